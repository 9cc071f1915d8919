"""The secrets and settings of one channel, from the environment; never shown."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.errors import SettingsError

PREFIX = "QUOTH_"
PREVIOUS = "_PREVIOUS"
FILE = "_FILE"


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of a channel: QUOTH_<CHANNEL>_<name>.

    `form` says in words what `pattern` (a whole match) demands. A setting that `rotates` may have
    a second, older value in <variable>_PREVIOUS, which is still accepted for what comes in.
    """

    name: str
    meaning: str
    required: bool = True
    rotates: bool = False
    pattern: str = r"(?s).+"
    form: str = "not empty"

    def variable(self, channel: str) -> str:
        return f"{PREFIX}{channel.upper()}_{self.name}"


class Secrets:
    """The values of one channel's settings, with one or two values of each.

    `hash_key` keys the pseudonyms; without one it is derived from the channel's own secrets.
    """

    __slots__ = ("_key", "_values", "channel")

    def __init__(
        self, channel: str, values: Mapping[str, tuple[str, ...]], hash_key: bytes | None = None
    ) -> None:
        self.channel = channel
        self._values = {name: active for name, active in values.items() if active}
        first = "\0".join(f"{name}={self._values[name][0]}" for name in sorted(self._values))
        self._key = hash_key or hashlib.sha256(f"quoth {channel} {first}".encode()).digest()

    @classmethod
    def of(cls, channel: str, **values: str) -> Secrets:
        """With one value each; convenient where nothing is rotated."""
        return cls(channel, {name: (value,) for name, value in values.items()})

    def active(self, name: str) -> tuple[str, ...]:
        """The values accepted for what comes in, newest first; () where not set."""
        return self._values.get(name, ())

    def get(self, name: str) -> str:
        """The value to use for what goes out; "" where not set."""
        return next(iter(self.active(name)), "")

    def pseudonym(self, *parts: str) -> str:
        """A keyed hash of `parts` (32 hex digits): the same for the same, and telling nothing."""
        joined = "\0".join((self.channel, *parts)).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, joined, hashlib.sha256).hexdigest()[:32]

    def __repr__(self) -> str:
        return f"Secrets({self.channel}: {', '.join(sorted(self._values))})"


def load_secrets(
    channel: str,
    settings: tuple[Setting, ...],
    environ: Mapping[str, str],
    hash_key: bytes | None = None,
) -> Secrets:
    """The secrets of `channel` as `environ` has them, itself or in the files that it names.

    Raises SettingsError that names each variable missing or of the wrong form, never its value.
    """
    values: dict[str, tuple[str, ...]] = {}
    faults = []
    for setting in settings:
        variable = setting.variable(channel)
        names = (variable, variable + PREVIOUS) if setting.rotates else (variable,)
        active = []
        for name in names:
            try:
                value = _value(name, environ)
            except (OSError, UnicodeDecodeError):
                faults.append(f"the file that {name}{FILE} names can't be read")
                continue
            if value and not re.fullmatch(setting.pattern, value):
                faults.append(f"{name} has the wrong form; it must be {setting.form}")
            elif value:
                active.append(value)
        if setting.required and not active and not any(variable in fault for fault in faults):
            faults.append(f"{variable} is missing: {setting.meaning}")
        values[setting.name] = tuple(active)
    if faults:
        raise SettingsError(f"the channel {channel!r} can't start: {'; '.join(faults)}")
    return Secrets(channel, values, hash_key)


def _value(name: str, environ: Mapping[str, str]) -> str:
    if value := environ.get(name, "").strip():
        return value
    if path := environ.get(name + FILE, "").strip():
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    return ""
