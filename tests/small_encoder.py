"""A real, small encoder for the filter of drawn questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bot.wording import content_words, stem


def bag_of_stems(texts: Sequence[str]) -> NDArray[np.float32]:
    """Hashed stems, L2-normalised."""
    vectors = np.zeros((len(texts), 4096), dtype=np.float32)
    for i, text in enumerate(texts):
        for word in content_words(text):
            vectors[i, sum(ord(c) * 31**k for k, c in enumerate(stem(word))) % 4096] += 1.0
        vectors[i, 0] += 0.01
    normalised: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normalised
