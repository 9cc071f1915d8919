"""Pictures of the first page, of the chat, and of the owner's pages, from the real bot.

    python tests/screenshots.py [DIR]

Without DIR those that the documents show, to docs/images; with it all, to DIR. Needs Chromium.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from browsing import LIVES, Chat, OtherSite, browsing, visiting
from PIL import Image
from playwright.sync_api import Browser, Locator
from reviewing import kept_questions, reviewing
from small_bot import serving

from bot.bot import Bot
from bot.channels.http import create_app
from bot.channels.sites import Sites
from bot.settings import load_settings
from bot.state.store import Store

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 150_000  # bytes of one picture
SHOWN = frozenset(
    {"home-light", "home-dark", "home-embed-light", "chat-answer", "chat-dark-declined"}
    | {"chat-phone-answer", "chat-phone-dark-declined", "review-light"}
)
DESK = {"viewport": {"width": 1280, "height": 860}}
WIDE = {"viewport": {"width": 1360, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 780}, "is_mobile": True, "has_touch": True}
VISITORS = {
    "how much does ms treatment cost": 5,
    "what does treatment for ms cost": 3,
    "is als painful": 4,
    "does als hurt": 2,
    "can i drive with ms": 3,
    "does ms make you tired": 3,
    "who discovered als": 2,
}
CLINIC = """<main style="max-width: 34rem; padding: 3rem; font: 1.05rem/1.6 Georgia, serif">
<h1>Living with a neurological disease</h1>
<p>Our nurses collect what is known about multiple sclerosis and ALS, and keep it up to date.</p>
<p>Questions are answered from the article we publish here, in its own words.</p></main>"""


def main(folder: Path, every: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with closing(OtherSite()) as other, _served(other.origin) as address, browsing() as browser:

        def site(data: str = "", html: str = 'lang="en"') -> str:
            tag = f'<script src="{address}/widget.js" {data} defer></script>'
            return other.put(CLINIC, head=tag, html=html)

        def save(name: str, shown: Chat | Locator, **options: Any) -> None:
            if not every and name not in SHOWN:
                return
            shown = shown.page if isinstance(shown, Chat) else shown
            file = folder / f"{name}.png"
            shown.screenshot(path=file, **options)
            size = file.stat().st_size
            print(f"{file}  {size:,} bytes")
            if size > LARGEST:
                raise SystemExit(f"{file} has more than {LARGEST:,} bytes")

        for scheme in ("light", "dark"):
            with _visit(browser, address, color_scheme=scheme, **DESK) as chat:
                for one in ("#live", "#previewed"):
                    chat.page.locator(one).get_by_role("combobox").wait_for()
                chat.ask(LIVES)
                _settle(chat)
                save(f"home-{scheme}", chat)
                for part in ("knows", "embed"):
                    save(f"home-{part}-{scheme}", chat.page.locator(f"#{part}"))
        with _visit(browser, address, **PHONE) as chat:
            save("home-phone", chat)
        looks: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
            ("chat", "", 'lang="en"', DESK),
            ("chat-dark", "", 'lang="en"', {**DESK, "color_scheme": "dark"}),
            ("chat-contrast", 'data-theme="contrast"', 'lang="en"', DESK),
            ("chat-forced", "", 'lang="en"', {**DESK, "forced_colors": "active"}),
            ("chat-german", 'data-accent="#8a2f6b"', 'lang="de"', DESK),
            ("chat-rtl", "", 'lang="en" dir="rtl"', DESK),
            ("chat-phone", "", 'lang="en"', PHONE),
            ("chat-phone-dark", "", 'lang="en"', {**PHONE, "color_scheme": "dark"}),
        )
        for name, data, html, context in looks:
            with _visit(browser, site(data, html), **context) as chat:
                save(f"{name}-closed", chat)
                chat.page.locator("quoth-chat button").click()
                _settle(chat)
                save(f"{name}-open", chat)
                chat.ask(LIVES).locator("summary").click()
                _settle(chat)
                save(f"{name}-answer", chat)
                chat.ask("How many people in Canada have MS?")
                _settle(chat)
                save(f"{name}-declined", chat)
        with _visit(browser, site(), **DESK) as chat:
            chat.open()
            chat.ask("is it fatal?")
            chat.ask("Should I stop taking my medication?")
            _settle(chat)
            save("chat-safety", chat)
            chat.input.press_sequentially("how ")
            chat.page.get_by_role("option").first.wait_for()
            chat.input.press("ArrowDown")
            save("chat-typeahead", chat)
            chat.page.get_by_role("button", name="Settings and help").click()
            _settle(chat)
            save("chat-settings", chat)
            chat.page.context.set_offline(True)
            chat.input.fill("Is MS hereditary?")
            chat.input.press("Enter")
            chat.page.get_by_role("alert").get_by_role("button").wait_for()
            _settle(chat)
            save("chat-offline", chat)


def owners(folder: Path, every: bool) -> None:
    """The pages for the owner, on a copy of the article's knowledge that is half reviewed."""
    settings = load_settings(knowledge=ROOT / "knowledge")
    with tempfile.TemporaryDirectory() as made, browsing() as browser:
        copy = shutil.copytree(settings.knowledge, Path(made) / "knowledge")
        pairs = copy / "pairs.yaml"
        text = pairs.read_text(encoding="utf-8")
        reviewed = "\n  reviewed: Ann 2026-11-20\n  variants"
        pairs.write_text(text.replace("\n  variants", reviewed, 30), encoding="utf-8")
        store = kept_questions(Path(made) / "quoth.db", VISITORS)
        with reviewing(
            copy, store, lambda: Bot.load(settings.model_copy(update={"knowledge": copy}))
        ) as desk:
            while desk.service.trials.board.state in ("making", "asking"):
                time.sleep(0.5)
            for scheme in ("light", "dark"):
                for name, context in (("", WIDE), ("-phone", PHONE)):
                    for path in ("review", "learn", "dashboard"):
                        file = folder / f"{path}{name}-{scheme}.png"
                        if not every and file.stem not in SHOWN:
                            continue
                        url = f"{desk.address}/{path}"
                        with _visit(browser, url, color_scheme=scheme, **context) as chat:
                            _settle(chat)
                            chat.page.screenshot(path=file, full_page=every and path != "review")
                            # Text on plain grounds: few colours are enough.
                            Image.open(file).quantize(96).save(file, optimize=True)
                            print(f"{file}  {file.stat().st_size:,} bytes")
        store.close()


def _settle(chat: Chat) -> None:
    chat.page.wait_for_timeout(600)


@contextmanager
def _visit(browser: Browser, url: str, **context: Any) -> Iterator[Chat]:
    with visiting(browser, url, reduced_motion="reduce", **context) as chat:
        _settle(chat)
        yield chat


@contextmanager
def _served(origin: str) -> Iterator[str]:
    settings = load_settings(
        knowledge=ROOT / "knowledge", allowed_origins=(origin,), rate_per_minute=6000
    )
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/quoth.db")
        with serving(create_app(Sites.single(Bot.load(settings), store, settings))) as address:
            yield address
        store.close()


if __name__ == "__main__":
    asked = sys.argv[1:]
    folder = Path(asked[0]) if asked else ROOT / "docs" / "images"
    main(folder, every=bool(asked))
    owners(folder, every=bool(asked))
