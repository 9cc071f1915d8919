"""Text as each platform takes it, so that it is shown as it was written.

Where a platform has an escape, it is used. Where it has none, a zero-width space is put behind a
character that would start formatting; addresses are left alone, for they must stay links.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape as _escape_html

Escape = Callable[[str], str]

GUARD = "\u200b"
_URL = re.compile(r"(?:https?://|mailto:)[^\s<>\"'“”\\^`{|}\[\]]+")
_OPENS = re.compile(r"(?<![^\W_])([*_~`])(?=\S)")
_BULLET_START = re.compile(r"^(?=[>*-] )", re.MULTILINE)
_QUOTE_START = re.compile(r"^(?=>|&gt;)", re.MULTILINE)
_EMOJI = re.compile(r":(?=[a-z0-9_+'-]+:)")
_DISCORD = re.compile(r"([\\*_~`|<>@#\[\]()-])")
_DISCORD_ITEM = re.compile(r"^(\d+)([.)])(?= )", re.MULTILINE)


def plain(text: str) -> str:
    """For platforms that show what they get."""
    return text


def html(text: str) -> str:
    """For Telegram: & < > and quotes as entities, which its HTML mode reads back."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def matrix_html(text: str) -> str:
    """For Matrix: a formatted body, with its line ends as <br>."""
    return _escape_html(text).replace("\n", "<br>")


def teams(text: str) -> str:
    """For Teams' text format "xml": HTML, with links marked as such."""
    escaped = _around_urls(
        text, _escape_html, lambda url: f'<a href="{_escape_html(url)}">{_escape_html(url)}</a>'
    )
    return escaped.replace("\n", "<br>")


def slack(text: str) -> str:
    """For Slack's mrkdwn: & < > as entities, formatting characters and emoji codes guarded."""

    def outside(part: str) -> str:
        part = _EMOJI.sub(":" + GUARD, _OPENS.sub(rf"\1{GUARD}", part))
        return part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    escaped = _around_urls(text, outside, lambda url: url.replace("&", "&amp;"))
    return _QUOTE_START.sub(GUARD, escaped)


def whatsapp(text: str) -> str:
    """For WhatsApp, which has no escape: formatting characters and list marks guarded."""
    guarded = _around_urls(text, lambda part: _OPENS.sub(rf"\1{GUARD}", part), plain)
    return _BULLET_START.sub(GUARD, guarded)


def googlechat(text: str) -> str:
    """For Google Chat, which has no escape: formatting, <links> and <users/all> guarded."""

    def outside(part: str) -> str:
        return _OPENS.sub(rf"\1{GUARD}", part).replace("<", "<" + GUARD)

    return _BULLET_START.sub(GUARD, _around_urls(text, outside, plain))


def discord(text: str) -> str:
    """For Discord's Markdown: a backslash before what would format, mention or list."""
    escaped = _around_urls(text, lambda part: _DISCORD.sub(r"\\\1", part), plain)
    return _DISCORD_ITEM.sub(r"\1\\\2", escaped)


def _around_urls(text: str, outside: Escape, inside: Escape) -> str:
    parts = []
    end = 0
    for found in _URL.finditer(text):
        parts += [outside(text[end : found.start()]), inside(found[0])]
        end = found.end()
    return "".join([*parts, outside(text[end:])])
