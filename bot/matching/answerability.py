"""Which answer, or none: a Gaussian-process head over the knowledge's own wordings.

Every wording of a pair is an example of its answer; every out-of-scope prototype is an example
of "not answered". Least-squares classification with a Gaussian process (Rasmussen & Williams
2006, sections 2.2 and 6.5): the score of class c for question q is

    k(q)^T (K + ridge I)^-1 y_c          y_c one-hot,
    k(q, x) = exp(SHARPNESS (cos - 1)) + WORDING tfidf

A question far from every example scores near 0 everywhere, which is what declining needs; with
one wording a pair the best class is the nearest wording's. No iterations: the same knowledge
gives the same head, and leave-one-out scores are exact (section 5.4.2).

Up to `WHOLE` wordings the head is solved once at build time; beyond, each question solves the
same system over its `NEAREST` wordings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bot.matching.lexicon import Lexicon

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

SHARPNESS = 2.0  # of the kernel over sentence vectors; chosen on development data
WORDING = 0.15  # weight of the TF-IDF kernel beside it
RIDGE = 0.1
WHOLE = 8000
WHOLE_CLASSES = 600
NEAREST = 96
SETTINGS = f"{SHARPNESS}/{WORDING}/{RIDGE}/{WHOLE}/{WHOLE_CLASSES}"  # what a kept head rests on


def kernel(cosines: Floats, wording: Floats) -> Floats:
    """Similarity to examples, 0..1.15, from cosines of vectors and of TF-IDF rows."""
    meaning: Floats = np.exp(np.float32(SHARPNESS) * (cosines - 1))
    return meaning + np.float32(WORDING) * wording


def fits_whole(wordings: int, classes: int) -> bool:
    """Whether one head over everything is small enough to be solved and kept."""
    return wordings <= WHOLE and classes <= WHOLE_CLASSES


def fit_head(
    vectors: Floats, lexicon: Lexicon, owners: Ints, classes: int
) -> tuple[Floats, Floats]:
    """(weights, held), both float32 [n, classes + 1]; the last class is "not answered".

    `held[i]` are the scores of wording i from a head that never saw it, exact and from the same
    inversion: f_-i = y_i - [A^-1 y]_i / [A^-1]_ii, A = K + ridge I (Rasmussen & Williams 2006,
    equation 5.12). `vectors` [n, dim] unit rows, `owners` [n] in 0..classes. Takes about n**3
    operations and n**2 floats of memory.
    """
    from scipy.linalg.lapack import spotrf, spotri

    system = kernel(vectors @ vectors.T, lexicon.gram())
    system[np.diag_indices_from(system)] += np.float32(RIDGE)
    factor, failed = spotrf(system, lower=1, overwrite_a=1)
    inverse, singular = spotri(factor, lower=1, overwrite_c=1)
    if failed or singular or not np.isfinite(np.diag(inverse)).all():
        # The ridge rules it out for finite vectors.
        raise ValueError("the head's system has no solution; are the vectors finite?")
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    targets = np.zeros((len(owners), classes + 1), np.float32)
    targets[np.arange(len(owners)), owners] = 1
    weights: Floats = inverse @ targets
    diagonal: Floats = np.diag(inverse)
    held: Floats = targets - weights / diagonal[:, None]
    return weights, held


def local_scores(
    similarities: Floats, vectors: Floats, lexicon: Lexicon, owners: Ints, classes: int
) -> Floats:
    """The head's scores for one question, solved over its nearest wordings: [classes + 1].

    `similarities` [n] is the question's `kernel` to every wording.
    """
    count = min(NEAREST, len(owners))
    near = np.argpartition(-similarities, count - 1)[:count]
    chosen = vectors[near]
    system = kernel(chosen @ chosen.T, lexicon.gram_of(near)) + RIDGE * np.eye(
        count, dtype=np.float32
    )
    weights = np.linalg.solve(system, similarities[near])
    return np.bincount(owners[near], weights, minlength=classes + 1).astype(np.float32)
