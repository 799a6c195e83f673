"""One small table that every tool can be given, made of whole numbers."""

import numpy as np

M, N = 60, 4


def table():
    """(60, 4) columns of unlike scale, overlapping classes, and weights of which some are 0."""
    i = np.arange(M)
    X = np.column_stack(
        [(i * 37 % 61) / 20 - 1.5, (i * 23 + 7) % 59 / 10, (i * 11 + 3) % 53 / 200 - 0.1, (i * 29 + 5) % 47 / 47 * 3]
    )
    noise = (i * 17 + 11) % 61 / 61 * 6 - 3
    y = (1.2 * X[:, 0] - 0.4 * X[:, 1] + 3 * X[:, 2] + 0.5 + noise > 0).astype(float)
    return X, y, (i * 7 % 5) / 2
