"""What may be claimed of a fit, and why: bounds that hold, rounding included, and planes that are decided in fractions.

certificate        the theorems, and the certificate of a point by passes of its own
apriori            the same from what a solver already has: no further pass
evidence, problem  what one pass over the rows proves, in a frame where nothing cancels
rounding, curves   floating point with a bound; functions of one number in the theorems
existence          a plane that separates the classes; linear_relations: columns that say what others say
softmax_…, class_… the same for K classes
duality, dual_point, levelling  penalties beyond squares, by a dual point; face: distances on the columns that remain
mixed_…, level_…   rows of numbers and categories, whose levels are codes

Proofs: docs/decisions/0001 to 0005 and 0008.
"""
