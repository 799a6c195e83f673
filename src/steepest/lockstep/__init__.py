"""Many fits at once: penalties and folds advance side by side, and one pass over the rows answers all of them.

paths     the front door, `steepest.path`       near      rough optima of all penalties, on part of the rows first
pairs     one fit per penalty and fold          judge     what is proved of them      folds    who is held out
advance   their steps, side by side             metrics   and together: their Hessians and proofs
rows      the rows that they share              singly    one by one, where there are more columns than rows
"""
