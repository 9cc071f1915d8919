"""Fixtures that cost seconds and are shared by the whole run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.bot import Bot
from bot.encoders import Encoder, load_encoder
from bot.settings import Settings, load_settings

ARTICLE = Path(__file__).resolve().parents[1] / "knowledge"


@pytest.fixture(scope="session")
def cache_folder(pytestconfig: pytest.Config) -> Path:
    """A cache that lasts from run to run, so that the model is exported once."""
    return Path(pytestconfig.cache.mkdir("quoth"))


@pytest.fixture(scope="session")
def encoder(cache_folder: Path) -> Encoder:
    """The bundled model, as it serves."""
    return load_encoder(None, cache_folder)


@pytest.fixture(scope="session")
def settings(cache_folder: Path) -> Settings:
    """The shipped knowledge, with the cache that the tests share."""
    return load_settings(knowledge=ARTICLE, cache_dir=cache_folder)


@pytest.fixture(scope="session")
def bot(settings: Settings, encoder: Encoder) -> Bot:
    """The bot on the shipped article, as it serves. Its replies depend on nothing but the turn."""
    return Bot.load(settings)
