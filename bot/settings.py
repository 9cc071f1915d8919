"""Settings: what the environment says, checked before anything starts.

Every setting is an environment variable, QUOTH_ and its name in capitals. The README's table is
`settings_table()`; a test holds the one to the other.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import SettingsError

PREFIX = "QUOTH_"

_ORIGIN = re.compile(r"\*|https?://[^\s/,;]+")
_SECRET = frozenset({"database_url", "drafter_key"})  # may hold a password: never shown


def _setting(meaning: str, allowed: str, *, shown: str | None = None, **field: Any) -> Any:
    """A field with its row of the table; `shown` tells a default that differs by machine."""
    extra: dict[str, Any] = {"allowed": allowed, "shown": shown}
    return Field(description=meaning, json_schema_extra=extra, **field)


def _default_database() -> str:
    return f"sqlite:///{platformdirs.user_data_path('quoth') / 'quoth.db'}"


class Settings(BaseSettings):
    """All settings, valid. Build it with `load_settings`, whose errors a person understands."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid"
    )

    knowledge: Path = _setting(
        "the folder with the documents and their pairs, or one of such folders: a site each",
        "a folder",
        default=Path("knowledge"),
    )
    model: str | None = _setting(
        "the sentence-transformers model: a folder or a name",
        "a folder or a model's name",
        default=None,
        shown="the bundled all-MiniLM-L6-v2",
    )
    cache_dir: Path = _setting(
        "where the prepared model and the vectors are kept; may be deleted at any time",
        "a folder",
        default_factory=lambda: platformdirs.user_cache_path("quoth"),
        shown="`quoth` in the user's cache folder",
    )
    host: str = _setting(
        "the address to listen on", "an address or host name", default="127.0.0.1", min_length=1
    )
    port: int = _setting(
        "the port to listen on; 0 takes a free one",
        "a whole number from 0 to 65535",
        default=8000,
        ge=0,
        le=65535,
    )
    threads: int = _setting(
        "threads of one pass through the model",
        "a whole number from 1 to 64",
        default=1,
        ge=1,
        le=64,
    )
    max_question_chars: int = _setting(
        "the longest question taken, in characters",
        "a whole number from 1 to 10000",
        default=2000,
        ge=1,
        le=10_000,
    )
    conversation_turns: int = _setting(
        "how many turns of a conversation are remembered",
        "a whole number from 1 to 1000",
        default=20,
        ge=1,
        le=1000,
    )
    conversation_minutes: int = _setting(
        "how many minutes without a question end a conversation",
        "a whole number from 1 to 43200",
        default=60,
        ge=1,
        le=43_200,
    )
    database_url: str = _setting(
        "where conversations, feedback and questions for review are kept",
        "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE",
        default_factory=_default_database,
        shown="SQLite, `quoth.db` in the user's data folder",
        pattern=r"^[A-Za-z][A-Za-z0-9+]*://",
        repr=False,
    )
    store_questions: Literal["off", "redacted", "full"] = _setting(
        "what is kept of questions without an answer, for the owner to review",
        "off, redacted or full",
        default="redacted",
    )
    retention_days: int = _setting(
        "after how many days what was kept is deleted",
        "a whole number from 1 to 3650",
        default=30,
        ge=1,
        le=3650,
    )
    max_wrong: float | None = _setting(
        "the accepted share of wrong replies",
        "a number above 0 and below 1, such as 0.02",
        default=None,
        shown="as calibrated",
        gt=0,
        lt=1,
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = _setting(
        "the websites whose pages may call the API, separated by commas",
        "origins such as https://example.org, separated by commas, or *",
        default=(),
        shown="none but its own pages",
    )
    rate_per_minute: int = _setting(
        "how many questions a minute one visitor may ask",
        "a whole number from 1 to 100000",
        default=30,
        ge=1,
        le=100_000,
    )
    max_body_bytes: int = _setting(
        "the largest request body taken, in bytes",
        "a whole number from 1024 to 10485760",
        default=65536,
        ge=1024,
        le=10_485_760,
    )
    delivery_attempts: int = _setting(
        "how often a message to a messaging platform is tried before it is a dead letter",
        "a whole number from 1 to 1000",
        default=20,
        ge=1,
        le=1000,
    )
    delivery_wait: float = _setting(
        "about how many seconds lie before the second try; they double from try to try",
        "a number from 0.01 to 3600",
        default=2.0,
        ge=0.01,
        le=3600,
    )
    lease_seconds: float = _setting(
        "after how many seconds another server takes over from one that no longer answers",
        "a number from 1 to 3600",
        default=30.0,
        ge=1,
        le=3600,
    )
    reload_seconds: float = _setting(
        "how many seconds lie between two looks for changes of the knowledge; 0: only on SIGHUP",
        "a number from 0 to 86400",
        default=2.0,
        ge=0,
        le=86_400,
    )
    drafter_key: str | None = _setting(
        "the key sent to the drafter that `draw --drafter` names",
        "a text of letters, digits and signs without spaces",
        default=None,
        shown="none",
        pattern=r"^[!-~]+$",
        repr=False,
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "how much is logged; never a question", "debug, info, warning or error", default="info"
    )

    @field_validator("knowledge", "cache_dir")
    @classmethod
    def _at_home(cls, value: Path) -> Path:
        if "\0" in str(value):
            raise ValueError("no folder's name holds a NUL")
        return value.expanduser()

    @field_validator("store_questions", "log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not is_origin(origin):
                raise ValueError("not an origin")
        return value


def load_settings(**given: Any) -> Settings:
    """The settings of the environment; what is `given` and not None goes before it.

    Raises SettingsError that names each variable that is wrong, its value (unless it may hold a
    secret) and what is allowed.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = dict.fromkeys(_fault(fault) for fault in error.errors())
        raise SettingsError("; ".join(faults)) from None
    except RuntimeError as error:  # expanduser, where there is no such user
        raise SettingsError(f"a folder in the settings can't be found: {error}") from None


def _fault(fault: Any) -> str:
    name = str(fault["loc"][0]) if fault["loc"] else ""
    field = Settings.model_fields.get(name)
    if field is None:
        return f"there is no setting {name!r}"
    value = "is wrong" if name in _SECRET else f"is {fault['input']!r}"
    return f"{variable(name)} {value}; allowed: {_extra(field)['allowed']}"


def is_origin(text: str) -> bool:
    """Whether `text` is a website's origin, or * for all."""
    return _ORIGIN.fullmatch(text) is not None


def variable(name: str) -> str:
    """The environment variable of the setting `name`."""
    return PREFIX + name.upper()


def settings_table() -> list[tuple[str, str, str]]:
    """(environment variable, default, meaning) of every setting, in order, as in the README."""
    rows = []
    for name, field in Settings.model_fields.items():
        extra = _extra(field)
        default = extra["shown"] or f"`{field.default}`"
        choices = "" if name not in _CHOICES else f" ({extra['allowed']})"
        rows.append((variable(name), default, f"{field.description}{choices}"))
    return rows


_CHOICES = frozenset({"store_questions", "log_level"})


def settings_markdown() -> str:
    """`settings_table()` as the README's table."""
    lines = ["| Variable | Default | Meaning |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {default} | {meaning} |" for name, default, meaning in settings_table()
    ]
    return "\n".join(lines)


def _extra(field: Any) -> dict[str, Any]:
    extra: dict[str, Any] = field.json_schema_extra
    return extra
