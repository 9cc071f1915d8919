"""What a platform's answer to a sent message means: delivered, try again, or never."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from bot.channels.messaging.fields import at, parse_json, text_at
from bot.channels.messaging.protocol import ChannelInfo

LONGEST_WAIT = 3600.0
_TRANSIENT = frozenset({408, 425, 429})
_SLACK_TRANSIENT = frozenset(
    {
        "accesslimited",
        "fatal_error",
        "internal_error",
        "rate_limited",
        "ratelimited",
        "request_timeout",
        "service_unavailable",
    }
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """`before`: an earlier sending had already arrived."""

    before: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """May pass. `after`: the seconds that the platform asks to wait, None where it doesn't say."""

    after: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Will never pass as it is. `reason` is the platform's code, never a message."""

    reason: str


Outcome = Delivered | Retry | Refused


def outcome(
    info: ChannelInfo, status: int, headers: Mapping[str, str], body: bytes, now: float
) -> Outcome:
    """What the answer to a sending means; `headers` has lower-case names, `now` in Unix seconds."""
    answer = parse_json(body[:100_000])
    if 200 <= status < 300:
        if info.says_ok and at(answer, "ok") is False:
            error = text_at(answer, "error")
            if error in _SLACK_TRANSIENT:
                return Retry(_wait(headers, answer, now))
            return Refused(error[:100] or "not ok")
        return Delivered()
    if status in info.delivered:
        return Delivered(before=True)
    if status >= 500 or status in _TRANSIENT or status in info.retried:
        return Retry(_wait(headers, answer, now))
    return Refused(f"HTTP {status}")


def _wait(headers: Mapping[str, str], answer: object, now: float) -> float | None:
    """Seconds asked for by Retry-After or, as Telegram and Discord do it, in the body."""
    said: object = headers.get("retry-after", "").strip()
    for path in (("parameters", "retry_after"), ("retry_after",)):
        said = said or at(answer, *path)
    if isinstance(said, bool) or not isinstance(said, int | float | str) or said == "":
        return None
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(str(said)).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    except OverflowError:
        return LONGEST_WAIT
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else None
