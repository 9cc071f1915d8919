"""The pages in a real browser: Debian's chromium, with and without JavaScript."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from small_bot import ANSWERS, SmallBot, small_site

playwright_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install '.[test]'"
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"
)
EVIL = "<img src=x onerror=alert(1)><script>alert(1)</script> fatal?"
DESKTOP = {"width": 1100, "height": 800}
PHONE = {"width": 390, "height": 780}
NARROW = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with small_site(tmp_path_factory.mktemp("site"), SmallBot()) as client:
        yield str(client.base_url)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright_api.sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Any]:
    """Opens pages of the site; none may have said anything on the console at the end."""
    contexts = []
    said: list[str] = []

    def open_page(path: str = "/", **options: Any) -> Any:
        context = browser.new_context(base_url=address, **{"viewport": DESKTOP, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    expected = ("net::ERR_FAILED", "status of 422")  # what a test itself provokes
    assert [line for line in said if not any(part in line for part in expected)] == []


def ask(page: Any, question: str) -> Any:
    """Ask in the page's form; the new reply's element."""
    replies = page.locator("article")
    before = replies.count()
    page.fill("#question", question)
    page.press("#question", "Enter")
    replies.nth(before).wait_for()
    return replies.nth(before)


def faults(page: Any) -> list[str]:
    """What axe-core finds wrong with the page as it stands."""
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    assert len(found["passes"]) > 15, "axe looked at a page with something on it"
    return [
        f"{fault['id']}: {node['html']}" for fault in found["violations"] for node in fault["nodes"]
    ]


def test_a_conversation_in_the_page(open_page: Any) -> None:
    page = open_page()
    reply = ask(page, "is ALS fatal?")
    assert "average life expectancy" in reply.locator("blockquote").inner_text()
    assert page.input_value("#question") == ""
    follow_up = ask(page, "and MS?")
    assert follow_up.locator(".understood").inner_text() == "Understood as: Is MS fatal?"
    ask(page, "is it fatal?")
    page.get_by_role("button", name="Is ALS fatal?").click()
    page.locator("article").nth(3).wait_for()
    assert page.locator(".asked").all_inner_texts() == [
        "is ALS fatal?",
        "and MS?",
        "is it fatal?",
        "Is ALS fatal?",
    ]
    assert page.evaluate("document.activeElement.id") == "transcript", "focus is not lost"
    page.get_by_role("button", name="New conversation").click()
    page.wait_for_url("**/")
    page.locator(".intro").wait_for()
    assert page.locator("article").count() == 0


def test_each_finished_answer_is_announced_once(open_page: Any) -> None:
    page = open_page()
    page.evaluate(
        """() => {
            window.added = [];
            new MutationObserver((all) => all.forEach((one) =>
                one.addedNodes.forEach((node) => window.added.push(node.textContent)))
            ).observe(document.getElementById("spoken"), { childList: true, subtree: true });
        }"""
    )
    ask(page, "is ALS fatal?")
    ask(page, "hello")
    added = page.evaluate("window.added")
    assert len(added) == 2
    assert "three to five years" in added[0]
    assert page.locator("#transcript").get_attribute("aria-live") is None
    assert page.evaluate("document.activeElement.id") == "question", "focus stays where it was"


def test_the_keyboard_is_enough(open_page: Any) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    order = []
    for _ in range(7):
        order.append(page.evaluate("document.activeElement.id || document.activeElement.value"))
        page.keyboard.press("Tab")
    assert order[:4] == ["transcript", *ANSWERS, "question"]
    page.focus("#question")
    page.keyboard.type("is MS fatal?")
    page.keyboard.press("Shift+Enter")
    assert page.input_value("#question") == "is MS fatal?\n", "a line can be broken"
    page.keyboard.press("Enter")
    page.locator("article blockquote").wait_for()


def test_markup_in_a_question_stays_text(open_page: Any) -> None:
    page = open_page()
    page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    ask(page, EVIL)
    assert page.locator(".asked").inner_text() == EVIL
    assert page.locator("main img, main script").count() == 0


def test_a_lost_connection_is_told_and_the_same_message_sent_again(open_page: Any) -> None:
    page = open_page()
    ask(page, "hello")
    sent: list[str] = []

    def lose_the_first(route: Any) -> None:
        sent.append(route.request.post_data_json["client_id"])
        if len(sent) == 1:
            route.abort()
        else:
            route.continue_()

    page.route("**/api/ask", lose_the_first)
    page.fill("#question", "is MS fatal?")
    page.press("#question", "Enter")
    alert = page.locator("#problem")
    alert.get_by_role("button", name="Try again").click()
    page.locator("article blockquote").wait_for()
    assert alert.inner_text() == ""
    assert sent[0] == sent[1]
    assert page.locator(".asked").count() == 2


def test_a_refused_question_is_given_back_with_the_reason(open_page: Any) -> None:
    page = open_page()
    page.evaluate("document.getElementById('question').removeAttribute('maxlength')")
    page.fill("#question", "x" * 2001)
    page.press("#question", "Enter")
    page.get_by_role("alert").get_by_text("2001").wait_for()
    assert len(page.input_value("#question")) == 2001
    assert page.locator(".asked").count() == 0


def test_feedback_is_sent_with_the_reply(open_page: Any) -> None:
    page = open_page()
    reply = ask(page, "is MS fatal?")
    with page.expect_response("**/api/feedback") as response:
        reply.get_by_role("button", name="No").click()
    assert response.value.status == 204
    page.get_by_role("status").get_by_text("Thank you.").wait_for()
    assert reply.get_by_role("button", name="No").get_attribute("aria-pressed") == "true"


def test_the_whole_way_without_javascript(open_page: Any) -> None:
    page = open_page(java_script_enabled=False)
    page.fill("#question", "is ALS fatal?")
    page.get_by_role("button", name="Ask", exact=True).click()
    assert "average life expectancy" in page.locator("blockquote").inner_text()
    page.fill("#question", "and MS?")
    page.get_by_role("button", name="Ask", exact=True).click()
    assert page.locator(".understood").inner_text() == "Understood as: Is MS fatal?"
    page.fill("#question", "is it fatal?")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_role("button", name="Is ALS fatal?").click()
    link = page.locator("figcaption a")
    with page.expect_popup() as popup:
        link.click()
    source = popup.value
    source.wait_for_load_state()
    mark = source.locator("mark")
    assert "average life expectancy" in mark.inner_text()
    box = mark.bounding_box()
    assert 0 <= box["y"] < DESKTOP["height"], "the page is scrolled to the mark"
    assert source.evaluate("scrollY") > 100


def test_a_link_with_only_a_fragment_marks_its_place(open_page: Any, address: str) -> None:
    page = open_page()
    reply = ask(page, "is ALS fatal?")
    link = reply.locator("figcaption a").get_attribute("href")
    other = open_page("/source/ms-vs-als#" + link.split("#")[1])
    other.locator("mark").wait_for()
    assert "average life expectancy" in other.locator("mark").inner_text()


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [("light", DESKTOP), ("dark", PHONE), ("light", NARROW)],
    ids=["desktop", "phone, dark", "narrow"],
)
def test_axe_finds_nothing_and_nothing_runs_over(
    open_page: Any, scheme: str, viewport: dict[str, int]
) -> None:
    page = open_page(color_scheme=scheme, viewport=viewport)
    assert faults(page) == []
    for question in ("is ALS fatal?", "is it fatal?", "should my mother worry?", "x" * 400):
        ask(page, question)
    page.locator("details.passage").first.locator("summary").click()
    assert page.locator("article blockquote").count() == 1
    assert faults(page) == []
    link = page.locator("figcaption a").first.get_attribute("href")
    for path in (None, link, "/ask?question=is+it+fatal", "/ask?question="):
        if path is not None:
            page = open_page(path, color_scheme=scheme, viewport=viewport)
            assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_targets_are_large_enough_to_touch(open_page: Any) -> None:
    page = open_page(viewport=PHONE)
    ask(page, "is ALS fatal?")
    ask(page, "is it fatal?")
    for target in page.locator("button:visible, summary:visible, textarea").all():
        box = target.bounding_box()
        assert box["height"] >= 24, target.inner_text()
        assert box["width"] >= 24, target.inner_text()


def test_forced_colours_are_respected_and_nothing_moves(open_page: Any) -> None:
    page = open_page(forced_colors="active")
    ask(page, "is ALS fatal?")
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert page.evaluate("document.getAnimations().length") == 0
    assert faults(page) == []
