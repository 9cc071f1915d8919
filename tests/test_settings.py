"""Settings: defaults that work, errors that say what to mend, a table that is true."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot
from bot.errors import SettingsError
from bot.settings import Settings, load_settings, settings_markdown, settings_table, variable

ROOT = Path(bot.__file__).parents[1]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("QUOTH_")]:
        monkeypatch.delenv(name)


def test_without_an_environment_all_has_a_default() -> None:
    settings = load_settings()
    assert settings.knowledge == Path("knowledge")
    assert settings.model is None
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.cache_dir.name == "quoth"
    assert settings.database_url.startswith("sqlite:///")
    assert settings.database_url.endswith("quoth.db")
    assert settings.store_questions == "redacted"
    assert settings.max_wrong is None
    assert settings.allowed_origins == ()


def test_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "QUOTH_PORT": "0",
        "QUOTH_CACHE_DIR": "~/c",
        "QUOTH_STORE_QUESTIONS": " OFF ",
        "QUOTH_MAX_WRONG": "0.02",
        "QUOTH_ALLOWED_ORIGINS": "https://a.org/, http://localhost:3000,",
        "QUOTH_LOG_LEVEL": "Warning",
        "QUOTH_MODEL": "",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.port == 0
    assert settings.cache_dir == Path.home() / "c"
    assert settings.store_questions == "off"
    assert settings.max_wrong == 0.02
    assert settings.allowed_origins == ("https://a.org", "http://localhost:3000")
    assert settings.log_level == "warning"
    assert settings.model is None


def test_what_is_given_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUOTH_KNOWLEDGE", "/one")
    assert load_settings(knowledge=None).knowledge == Path("/one")
    assert load_settings(knowledge="/other").knowledge == Path("/other")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "80x", "QUOTH_PORT is '80x'; allowed: a whole number from 0 to 65535"),
        ("PORT", "65536", "QUOTH_PORT is '65536'; allowed"),
        ("THREADS", "0", "QUOTH_THREADS is '0'; allowed: a whole number from 1 to 64"),
        ("MAX_WRONG", "1", "QUOTH_MAX_WRONG is '1'; allowed: a number above 0 and below 1"),
        ("MAX_WRONG", "nan", "QUOTH_MAX_WRONG is 'nan'"),
        ("STORE_QUESTIONS", "all", "QUOTH_STORE_QUESTIONS is 'all'; allowed: off, redacted or"),
        ("LOG_LEVEL", "loud", "QUOTH_LOG_LEVEL is 'loud'; allowed: debug, info"),
        ("ALLOWED_ORIGINS", "a.org", r"allowed: origins such as https://example.org"),
        ("ALLOWED_ORIGINS", "https://a.org/x", "QUOTH_ALLOWED_ORIGINS is"),
        ("CACHE_DIR", "~nobody-of-that-name/x", "can't be found"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"QUOTH_{name}", value)
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_all_that_is_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUOTH_PORT", "x")
    monkeypatch.setenv("QUOTH_THREADS", "y")
    with pytest.raises(SettingsError, match=r"QUOTH_PORT.*; QUOTH_THREADS"):
        load_settings()


def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUOTH_DATABASE_URL", "postgresql:quoth:hunter2@host")
    with pytest.raises(SettingsError, match="QUOTH_DATABASE_URL is wrong; allowed") as error:
        load_settings()
    assert "hunter2" not in str(error.value)
    assert error.value.__suppress_context__
    monkeypatch.setenv("QUOTH_DATABASE_URL", "postgresql://quoth:hunter2@host/quoth")
    assert "hunter2" not in repr(load_settings())


def test_a_setting_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(SettingsError, match="no setting 'colour'"):
        load_settings(colour="red")


@given(value=st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_value_is_taken_or_refused_by_name(value: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            if name not in ("knowledge", "cache_dir"):
                patch.setenv(variable(name), value)
        try:
            load_settings()
        except SettingsError as error:
            message = str(error)
        else:
            message = "QUOTH_"
    assert "QUOTH_" in message


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1  # type: ignore[misc]


def test_every_setting_has_a_row_with_a_meaning() -> None:
    rows = settings_table()
    assert [row[0] for row in rows] == [variable(name) for name in Settings.model_fields]
    assert all(default and len(meaning) > 10 for _, default, meaning in rows)
    assert str(Path.home()) not in settings_markdown()


@pytest.mark.skipif(not (ROOT / "README.md").is_file(), reason="installed without the README")
def test_the_readme_has_the_table_as_it_is() -> None:
    """Print it anew: python -c "from bot.settings import *; print(settings_markdown())"."""
    assert settings_markdown() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_importing_the_package_costs_no_pydantic() -> None:
    code = "import bot, bot.types, bot.encoding.encoders, sys; assert 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
