"""The chat widget's files as a website loads them: unchanging, each checked by its hash.

/widget.js is always the newest. /widget/VERSION/… never changes and may be kept for ever; a page
that names it there can name its hash too, and the loader names the hashes of what it loads.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.channels.pages import WEB

LOADER = "widget.js"
FOLDER = WEB / "widget"
_NEWEST = "public, max-age=300"
_FOR_EVER = "public, max-age=31536000, immutable"
# The code is no secret and no site's own; who may *ask* is said by the allowed origins.
_ANYWHERE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


@dataclass(frozen=True, slots=True)
class WidgetFile:
    """A script as it is sent, also compressed; `integrity` is for the attribute of that name."""

    body: bytes
    zipped: bytes
    integrity: str


@dataclass(frozen=True, slots=True)
class Widget:
    """All files by name; `version` changes with any of them."""

    version: str
    files: Mapping[str, WidgetFile]

    @property
    def path(self) -> str:
        """Where the loader of this version is."""
        return f"/widget/{self.version}/{LOADER}"

    @property
    def integrity(self) -> str:
        return self.files[LOADER].integrity


@cache
def load_widget(folder: Path = FOLDER) -> Widget:
    """The widget in `folder`, its loader told where the others are and what their hashes are."""
    texts = {
        file.name: trimmed(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.js"))
    }
    version = hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:12]
    hashes = {name: _hash("sha256", text) for name, text in texts.items() if name != LOADER}
    for placeholder, value in (
        ('const BASE = "/static/widget/";', f'const BASE = "/widget/{version}/";'),
        ("const FILES = {};", f"const FILES = {json.dumps(hashes, separators=(',', ':'))};"),
    ):
        if placeholder not in texts[LOADER]:
            raise ValueError(f"{folder / LOADER} lacks the line {placeholder!r}")
        texts[LOADER] = texts[LOADER].replace(placeholder, value)
    files = {
        name: WidgetFile(
            text.encode(), gzip.compress(text.encode(), 9, mtime=0), _hash("sha384", text)
        )
        for name, text in texts.items()
    }
    return Widget(version, files)


def trimmed(script: str) -> str:
    """`script` without indentation and without lines and blocks that are only comment.

    For scripts whose strings of several lines are CSS, where both mean nothing.
    """
    script = re.sub(r"^\s*/\*.*?\*/\s*$", "", script, flags=re.M | re.S)
    lines = (line.strip() for line in script.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def widget_routes() -> APIRouter:
    """The routes of the files; none of them is part of the API."""
    router = APIRouter(include_in_schema=False)

    async def newest(request: Request) -> Response:
        return _sent(request, LOADER, _NEWEST)

    async def versioned(request: Request) -> Response:
        if request.path_params["version"] != load_widget().version:
            raise HTTPException(
                404, "This version of the widget is no longer here; /widget.js is the newest."
            )
        return _sent(request, request.path_params["name"], _FOR_EVER)

    for path, endpoint in (("/widget.js", newest), ("/widget/{version}/{name}", versioned)):
        router.add_api_route(path, endpoint, methods=["GET", "HEAD"], response_model=None)
    return router


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding names gzip, and not with a weight of 0 (RFC 9110, 12.5.3)."""
    for part in accepted.lower().split(","):
        coding, _, weight = part.replace(" ", "").replace("\t", "").partition(";")
        if coding == "gzip":
            return re.fullmatch(r"q=0(\.0*)?", weight) is None
    return False


def _sent(request: Request, name: str, caching: str) -> Response:
    file = load_widget().files.get(name)
    if file is None:
        raise HTTPException(404, "There is no such file.")
    zips = takes_gzip(request.headers.get("accept-encoding", ""))
    etag = f'"{load_widget().version}{"-gz" if zips else ""}"'
    headers = {
        **_ANYWHERE,
        "Cache-Control": caching,
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if zips:
        headers["Content-Encoding"] = "gzip"
    return Response(
        file.zipped if zips else file.body, headers=headers, media_type="text/javascript"
    )


def _hash(algorithm: str, text: str) -> str:
    digest = hashlib.new(algorithm, text.encode()).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"
