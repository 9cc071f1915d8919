"""The owner's pages in a real browser: by keyboard alone, with nothing for axe to find."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from browsing import faults, visitor
from playwright.sync_api import Browser, Page, expect
from reviewing import Desk, kept_questions, reviewing
from test_review_service import ASKED, OPENS, SHOP

from bot.bot import Bot, Engine
from bot.knowledge.files import CALIBRATION, OUT_OF_SCOPE, PAIRS
from bot.settings import Settings

PHONE = {"viewport": {"width": 390, "height": 780}}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": PHONE,
    "forced colours": {"forced_colors": "active"},
}


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Engine:
    return Engine(settings)


@contextmanager
def shop(folder: Path, settings: Settings, engine: Engine) -> Iterator[Desk]:
    copy = shutil.copytree(SHOP, folder / "shop")
    store = kept_questions(folder / "q.db", ASKED, days=20, replies=6)
    own = settings.model_copy(update={"knowledge": copy})
    with reviewing(copy, store, lambda: Bot.load(own, engine=engine)) as desk:
        yield desk
    store.close()


@pytest.fixture
def desk(tmp_path: Path, settings: Settings, engine: Engine) -> Iterator[Desk]:
    with shop(tmp_path, settings, engine) as desk:
        yield desk


@pytest.fixture(scope="module")
def shown(
    tmp_path_factory: pytest.TempPathFactory, settings: Settings, engine: Engine
) -> Iterator[Desk]:
    """For tests that change nothing."""
    with shop(tmp_path_factory.mktemp("shown"), settings, engine) as desk:
        yield desk


@contextmanager
def opened(browser: Browser, desk: Desk, path: str, **context: Any) -> Iterator[Page]:
    """The page, with a console that must stay silent."""
    with visitor(browser, **{"viewport": {"width": 1400, "height": 900}, **context}) as own:
        page = own.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"{desk.address}/{path}")
        yield page
        # The address of a refused form is told by the browser itself.
        assert [line for line in said if "409" not in line and "422" not in line] == []


def press(page: Page, key: str) -> None:
    """The key, as soon as the page listens."""
    page.wait_for_load_state("load")
    page.keyboard.press(key)


def pairs(desk: Desk) -> str:
    return (desk.folder / PAIRS).read_text()


def settled(page: Page, id: str) -> None:
    page.locator(f"#{id}[data-state=done]").wait_for()


def test_pairs_are_reviewed_by_keyboard_alone(browser: Browser, desk: Desk) -> None:
    with opened(browser, desk, "review") as page:
        heading, notice = page.locator("#pair"), page.locator("#notice")
        settled(page, "trials")
        expect(heading).to_have_text(OPENS)
        assert page.locator(".words .verdict").all_inner_texts()[0].startswith("✓ finds it")
        assert faults(page) == []

        press(page, "a")
        expect(notice).to_have_text(f"Accepted: {OPENS}")
        expect(heading).to_have_text("Who owns the shop?")
        expect(page.locator("#pair")).to_be_focused()
        assert f"reviewed: Ann {date.today()}" in pairs(desk)
        expect(page.locator("#done")).to_have_text("2 of 4 reviewed")

        press(page, "v")
        page.keyboard.type("jkxa is the boss")  # no key works while one writes
        press(page, "Enter")
        expect(notice).to_have_text("Added: jkxa is the boss")
        expect(page.locator("#variant")).to_be_focused()
        press(page, "Escape")
        expect(page.locator("#pair")).to_be_focused()
        # The bot is made anew and asked; the page follows without being loaded again.
        said = page.locator(".wordings li", has_text="jkxa is the boss").locator(".verdict")
        expect(said).to_contain_text("finds it", timeout=60_000)

        press(page, "e")
        page.keyboard.type("Whose is the shop?")
        press(page, "Enter")
        expect(heading).to_have_text("Whose is the shop?")
        press(page, "s")
        press(page, "Tab")
        press(page, "Space")  # the second sentence too
        page.get_by_role("button", name="Use these sentences").press("Enter")
        expect(notice).to_have_text("The answer is changed.")
        expect(page.locator("#passage mark")).to_contain_text("It closes at six")

        press(page, "x")
        expect(notice).to_have_text("Rejected: Whose is the shop?")
        assert "Whose is the shop?" not in pairs(desk)
        press(page, "u")
        expect(notice).to_contain_text("Undone.")
        assert "Whose is the shop?" in pairs(desk)
        page.goto(f"{desk.address}/review?status=open")
        first = heading.inner_text()
        press(page, "j")
        expect(heading).not_to_have_text(first)
        press(page, "k")
        expect(heading).to_have_text(first)
        page.get_by_text("Keyboard", exact=True).press("Enter")
        assert faults(page) == []
        works = page.get_by_label("Single keys work")
        works.press("Space")
        expect(works).not_to_be_checked()
        press(page, "j")
        expect(heading).to_have_text(first)
        page.goto(page.url)  # not reload(): under load Chromium may still hold the page before it
        expect(works).not_to_be_checked()
        press(page, "j")
        expect(heading).to_have_text(first)
        page.goto(f"{desk.address}/learn")
        press(page, "Tab")
        expect(page.get_by_text("Skip to the content")).to_be_focused()


def test_the_answer_is_what_is_selected_in_the_passage(browser: Browser, desk: Desk) -> None:
    with opened(browser, desk, "review") as page:
        page.evaluate(
            """() => {
                const passage = document.getElementById("passage");
                const walker = document.createTreeWalker(passage, NodeFilter.SHOW_TEXT);
                let node = walker.nextNode();
                while (!node.data.includes("It closes at six")) node = walker.nextNode();
                const at = node.data.indexOf("It closes");
                const end = node.data.indexOf(" The owner");
                getSelection().setBaseAndExtent(node, at, node, end);
            }"""
        )
        page.get_by_role("button", name="Use the selection as the answer").click()
        expect(page.locator("#passage mark")).to_have_text(
            "It closes at six, and at noon on Saturdays."
        )
        assert "answer: It closes at six, and at noon on Saturdays." in pairs(desk)


def test_what_another_hand_changed_is_shown_beside_what_was_meant(
    browser: Browser, desk: Desk
) -> None:
    with opened(browser, desk, "review") as page:
        page.get_by_label("Add a wording").fill("opening hours please")
        (desk.folder / PAIRS).write_text(pairs(desk).replace("name of the owner", "the owner"))
        page.get_by_label("Add a wording").press("Enter")
        expect(page.locator("#pair")).to_have_text("Nothing was written")
        expect(page.get_by_role("region", name="The changes")).to_contain_text("+    - the owner")
        expect(page.locator(".wanted")).to_contain_text("opening hours please")
        assert "opening hours please" not in pairs(desk)
        assert faults(page) == []
        page.get_by_role("button", name="Do it on the files as they are now").click()
        expect(page.locator("#notice")).to_have_text("Added: opening hours please")
        assert "- the owner" in pairs(desk)
        page.get_by_label("Add a wording").fill("Opening HOURS please?")
        page.get_by_label("Add a wording").press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("is a wording of this pair already")
        assert faults(page) == []


def test_visitors_questions_are_dealt_with_by_keyboard_alone(browser: Browser, desk: Desk) -> None:
    with opened(browser, desk, "learn") as page:
        settled(page, "learning")
        heads, notice = page.locator(".clusters h2"), page.locator("#notice")
        said = heads.all_inner_texts()
        tents = next(n for n, head in enumerate(said) if "tents" in head)
        for _ in range(tents + 1):
            press(page, "j")
        expect(heads.nth(tents)).to_be_focused()
        press(page, "o")
        press(page, "Space")
        press(page, "Space")
        press(page, "Tab")
        press(page, "Space")  # the other wording too
        press(page, "Tab")
        page.keyboard.type("tents")
        assert faults(page) == []
        press(page, "Enter")
        expect(notice).to_have_text("Out of scope, under tents.")
        gaps = (desk.folder / OUT_OF_SCOPE).read_text()
        assert gaps.count("# learnt from visitors") == 2
        settled(page, "learning")
        mondays = heads.all_inner_texts().index("when does it open on mondays")
        heads.nth(mondays).focus()
        press(page, "v")
        press(page, "Tab")
        press(page, "Enter")
        expect(notice).to_have_text(f"Added to “{OPENS}”.")
        assert "    - when does it open on mondays  # learnt from visitors" in pairs(desk)
        press(page, "u")
        expect(notice).to_contain_text("Undone")
        assert "learnt from visitors" not in pairs(desk)
        settled(page, "learning")
        heads.nth(mondays).focus()
        press(page, "c")
        choice = page.locator("details[open] select")
        expect(choice).to_be_focused()
        press(page, "Tab")
        press(page, "Enter")  # a choice is asked for, none is made for the owner
        expect(choice).to_be_focused()
        page.keyboard.type("When does the shop")
        assert faults(page) == []
        press(page, "Tab")
        press(page, "Enter")
        expect(notice).to_contain_text("Put aside. 4 calibration questions")
        expect(page.locator("#aside")).to_contain_text("4 calibration questions")
        assert '"q": "when does it open on mondays"' in (desk.folder / CALIBRATION).read_text()
        press(page, "u")
        expect(notice).to_contain_text("Undone. Put aside for calibration")
        settled(page, "learning")
        before = heads.count()
        heads.first.focus()
        press(page, "x")
        expect(notice).to_have_text("Dismissed.")
        settled(page, "learning")
        expect(heads).to_have_count(before - 1)


def test_a_passage_is_read_and_its_pairs_accepted_in_one_action(
    browser: Browser, desk: Desk
) -> None:
    with opened(browser, desk, "review") as page:
        settled(page, "trials")
        before, notice = pairs(desk), page.locator("#notice")
        press(page, "t")
        expect(page.locator(".read h2")).to_have_text([OPENS, "Who owns the shop?"])
        expect(page.locator(".read blockquote")).to_have_text(
            ["The shop opens at nine.", "The owner is called Grace Moss."]
        )
        expect(page.locator(".passage-text mark")).to_have_text(
            ["The shop opens at nine.", "The owner is called Grace Moss."]
        )
        expect(page.locator(".read input:checked")).to_have_count(2)
        press(page, "a")
        expect(notice).to_have_text("Accepted: 2 pairs of this passage.")
        assert pairs(desk).count(f"reviewed: Ann {date.today()}") == 2
        expect(page.locator(".read h2")).to_contain_text(["Are returns free?"])
        press(page, "u")
        expect(notice).to_contain_text("Undone. Accepted together")
        assert pairs(desk) == before


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_any_look(browser: Browser, shown: Desk, look: str) -> None:
    first = shown.service.workspace.snapshot().entries[0].id
    pages = (("review", "trials"), ("learn", "learning"), ("dashboard", "groups"))
    for path, id in (*pages, (f"passage?pair={first}", "together")):
        with opened(browser, shown, path, **LOOKS[look]) as page:
            settled(page, id)
            for summary in page.locator("summary").all():
                summary.evaluate("node => { node.parentElement.open = true; }")
            assert faults(page) == []
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide, "the page scrolls sideways"


def test_the_plots_say_what_their_tables_say(browser: Browser, shown: Desk) -> None:
    with opened(browser, shown, "dashboard") as page:
        settled(page, "groups")
        figure = page.locator("figure", has_text="Questions by day")
        figure.locator("summary").press("Enter")
        answered = [int(text) for text in figure.locator("td:nth-of-type(1)").all_inner_texts()]
        bars = figure.locator("rect.answer")
        assert bars.count() == sum(value > 0 for value in answered)
        heights = [float(bar.get_attribute("height") or 0) for bar in bars.all()]
        shown = [value for value in answered if value]
        for height, value in zip(heights, shown, strict=True):
            assert height / heights[0] == pytest.approx(value / shown[0], rel=0.01)
        page.get_by_role("link", name="7 days").click()
        assert "from=" in page.url
        page.get_by_label("From").fill("2020-01-01")
        page.get_by_label("To").fill("2020-01-31")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("Nothing was asked in these days")).to_be_visible()
        with page.expect_download() as started:
            page.get_by_role("link", name="Figures as CSV").click()
        assert started.value.suggested_filename == "quoth-replies-2020-01-01-2020-01-31.csv"
