"""Cosines of one vector to many."""

from __future__ import annotations

import numpy as np
import simsimd

from bot.encoding.encoders import Vectors


def cosines(rows: Vectors, vector: Vectors) -> Vectors:
    """Dot products float32 [n] of `rows` [n, dim] with `vector` [dim], all L2-normalised.

    By simsimd: reading 10 MB of rows takes half the time of numpy's product.
    """
    if not len(rows):
        return np.zeros(0, np.float32)
    found: Vectors = np.asarray(simsimd.cdist(vector[None], rows, "inner"), np.float32)[0]
    return found
