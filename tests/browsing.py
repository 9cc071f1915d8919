"""A real browser, a website that is not ours, and the chat on it: what the widget's tests share."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

STRICT = (
    "default-src 'none'; script-src {host}; connect-src {host}; require-trusted-types-for 'script'"
)
LIVES = "How long do people with ALS live?"


def chromium() -> str:
    """The browser's path. Without one the test is skipped, but not in CI."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    message = "the widget's tests need Chromium (on Debian: apt install chromium)"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def browsing() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class OtherSite:
    """A website on an origin of its own: pages by path, each under the policy it was put with."""

    def __init__(self) -> None:
        self._pages: dict[str, tuple[str, str]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                html, policy = site._pages.get(self.path, ("", ""))
                self.send_response(200 if html else 204)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                if policy:
                    self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(html.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def put(self, body: str, policy: str = "", *, head: str = "", html: str = 'lang="en"') -> str:
        """The address of a new page with `body`."""
        path = f"/{len(self._pages)}"
        page = (
            f"<!doctype html><html {html}><head><meta charset=utf-8>"
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            "<title>A clinic</title>"
            f"{head}</head><body>{body}</body></html>"
        )
        self._pages[path] = (page, policy)
        return self.origin + path

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


PAGE = "<main><h1>A clinic</h1><p>What we do. <a href='/0'>A link</a></p>{}</main>"


@dataclass
class Chat:
    """The chat on a page, as a visitor finds it; `said` is what the console got."""

    page: Page
    said: list[str] = field(default_factory=list)

    @property
    def host(self) -> Locator:
        return self.page.locator("quoth-chat").first

    @property
    def launcher(self) -> Locator:
        return self.page.get_by_role("button", name="Ask a question")

    @property
    def input(self) -> Locator:
        return self.page.locator("quoth-chat [role=combobox]").first

    @property
    def replies(self) -> Locator:
        return self.page.locator(".reply")

    def open(self) -> Chat:
        self.launcher.click()
        self.input.wait_for()
        return self

    def ask(self, question: str) -> Locator:
        """Asks by keyboard; the reply, once it is there."""
        before = self.replies.count()
        self.input.fill(question)
        self.input.press("Enter")
        return self.reply(before)

    def reply(self, number: int) -> Locator:
        found = self.replies.nth(number)
        found.wait_for()
        return found


@contextmanager
def visiting(browser: Browser, url: str, **context: Any) -> Iterator[Chat]:
    """A fresh visitor on `url`."""
    with visitor(browser, **context) as own:
        page = own.new_page()
        chat = Chat(page)
        page.on("console", lambda message: chat.said.append(message.text))
        page.on("pageerror", lambda error: chat.said.append(str(error)))
        page.goto(url)
        yield chat


@contextmanager
def visitor(browser: Browser, **context: Any) -> Iterator[BrowserContext]:
    own = browser.new_context(**{"viewport": {"width": 1100, "height": 760}, **context})
    own.set_default_timeout(20_000)
    yield own
    own.close()


@contextmanager
def opened(visit: AbstractContextManager[Chat]) -> Iterator[Chat]:
    """The visit with the chat open."""
    with visit as chat:
        yield chat.open()


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


_RUN = """async () => {
    // What is still fading in has another colour for a moment.
    const roots = [document];
    for (const root of roots)
        for (const element of root.querySelectorAll("*"))
            if (element.shadowRoot) roots.push(element.shadowRoot);
    const moving = roots.flatMap((root) => root.getAnimations({ subtree: true }));
    const ends = moving.filter((one) => one.effect.getComputedTiming().iterations !== Infinity);
    await Promise.allSettled(ends.map((one) => one.finished));
    const rules = { "target-size": { enabled: true } };
    const { violations, passes } = await axe.run(document, { resultTypes: ["violations"], rules });
    const told = ({ id }) => ({ target, any, all, none }) =>
        [id, ...target.flat(3), ...any.concat(all, none).map(({ message }) => message)].join(" | ");
    return [passes.length, violations.flatMap((one) => one.nodes.map(told(one)))];
}"""


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it is: WCAG up to 2.2 AA, and best practices."""
    page.evaluate(_axe() + ";void 0")
    passed, violations = page.evaluate(_RUN)
    assert passed > 10, "axe looked at a page with nothing on it"
    return list(violations)
