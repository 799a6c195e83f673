"""Many fits at once: penalties and folds advance side by side, and one pass over the rows answers all of them.

paths     the front door, `steepest.path`       pairs    one fit per penalty and fold
advance   their solvers, side by side           together their metric and their proofs       folds   who is held out
"""
