"""Which answer, or none: a Gaussian-process head over the knowledge's own wordings.

Every wording of a pair is an example of its answer; every out-of-scope prototype is an example
of "not answered". Least-squares classification with a Gaussian process (Rasmussen & Williams
2006, sections 2.2 and 6.5): the score of class c for question q is

    k(q)^T (K + ridge I)^-1 y_c          y_c one-hot, k(q, x) = exp(SHARPNESS (cos - 1)) + WORDING tfidf

A question far from every example scores near 0 everywhere, which is what declining needs; with
one wording a pair the best class is the nearest wording's. No iterations: the same knowledge
gives the same head, and leave-one-out scores are exact (section 5.4.2).

Up to `WHOLE` wordings the head is solved once at build time; beyond, each question solves the
same system over its `NEAREST` wordings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bot.lexicon import Lexicon

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
    return np.exp(np.float32(SHARPNESS) * (cosines - 1)) + np.float32(WORDING) * wording


def fits_whole(wordings: int, classes: int) -> bool:
    """Whether one head over everything is small enough to be solved and kept."""
    return wordings <= WHOLE and classes <= WHOLE_CLASSES


def fit_head(vectors: Floats, lexicon: Lexicon, owners: Ints, classes: int) -> Floats:
    """Weights float32 [n, classes + 1]; the last class is "not answered".

    `vectors` [n, dim] unit rows, `owners` [n] in 0..classes. Takes about n**3 / 3 operations
    and n**2 floats of memory.
    """
    from scipy.linalg import cho_factor, cho_solve

    factor = cho_factor(_system(vectors, lexicon), overwrite_a=True, check_finite=False)
    weights: Floats = cho_solve(factor, _one_hot(owners, classes), check_finite=False)
    return weights.astype(np.float32)


def leave_one_out(vectors: Floats, lexicon: Lexicon, owners: Ints, classes: int) -> Floats:
    """Each wording's scores from a head that never saw it, float32 [n, classes + 1].

    Exact and from one inversion: f_-i = y_i - [A^-1 y]_i / [A^-1]_ii, A = K + ridge I
    (Rasmussen & Williams 2006, equation 5.12).
    """
    from scipy.linalg import cho_factor, cho_solve

    n = len(owners)
    targets = _one_hot(owners, classes)
    factor = cho_factor(_system(vectors, lexicon), overwrite_a=True, check_finite=False)
    inverse = cho_solve(factor, np.eye(n, dtype=np.float32), check_finite=False)
    held: Floats = targets - (inverse @ targets) / np.diag(inverse)[:, None]
    return held.astype(np.float32)


def local_scores(
    similarities: Floats, vectors: Floats, lexicon: Lexicon, owners: Ints, classes: int
) -> Floats:
    """The head's scores for one question, solved over its nearest wordings: [classes + 1].

    `similarities` [n] is the question's `kernel` to every wording.
    """
    count = min(NEAREST, len(owners))
    near = np.argpartition(-similarities, count - 1)[:count]
    chosen = vectors[near]
    system = kernel(chosen @ chosen.T, lexicon.gram_of(near)) + RIDGE * np.eye(count, dtype=np.float32)
    weights = np.linalg.solve(system, similarities[near])
    return np.bincount(owners[near], weights, minlength=classes + 1).astype(np.float32)


def _system(vectors: Floats, lexicon: Lexicon) -> Floats:
    system = kernel(vectors @ vectors.T, lexicon.gram())
    system[np.diag_indices_from(system)] += np.float32(RIDGE)
    return system


def _one_hot(owners: Ints, classes: int) -> Floats:
    targets = np.zeros((len(owners), classes + 1), np.float32)
    targets[np.arange(len(owners)), owners] = 1
    return targets
