"""Fixtures that cost seconds and are shared by the whole run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.encoders import Encoder, load_encoder


@pytest.fixture(scope="session")
def cache_folder(pytestconfig: pytest.Config) -> Path:
    """A cache that lasts from run to run, so that the model is exported once."""
    return Path(pytestconfig.cache.mkdir("quoth"))


@pytest.fixture(scope="session")
def encoder(cache_folder: Path) -> Encoder:
    """The bundled model, as it serves."""
    return load_encoder(None, cache_folder)
