"""HTML that can't be broken into: text becomes markup only by being escaped."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

_VOID = frozenset({"br", "hr", "input", "link", "meta"})
LINK_SCHEMES = frozenset({"http", "https", "mailto"})


class Markup(str):
    """Text that is already HTML; only `element` and `joined` make it."""

    __slots__ = ()


Child = str | Markup | None


def joined(*children: Child) -> Markup:
    """The children one after another, plain strings escaped, None left out."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else escape(child)
            for child in children
            if child is not None
        )
    )


def element(name: str, /, *children: Child, **attributes: str | bool | None) -> Markup:
    """`<name attributes>children</name>`.

    An attribute is written with its trailing underscore dropped and the others turned to hyphens
    (`class_`, `aria_label`); True writes the bare name, False and None leave it out.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def safe_link(url: str | None) -> str | None:
    """`url` where it may be followed: http, https or mailto. None for anything else."""
    if url is None:
        return None
    try:
        scheme = urlsplit(url.strip()).scheme
    except ValueError:
        return None
    return url.strip() if scheme.lower() in LINK_SCHEMES else None
