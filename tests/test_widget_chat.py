"""The widget as a visitor of another website uses it, with the real bot behind it."""

from __future__ import annotations

from typing import Any

import httpx
from browsing import LIVES, opened
from playwright.sync_api import expect
from served import Served


def test_a_question_on_a_strict_page_gets_the_real_answer(embedded: Any, served: Served) -> None:
    reply = httpx.post(f"{served.address}/api/ask", json={"question": LIVES}).json()
    (citation,) = reply["citations"]
    with opened(embedded()) as chat:
        shown = chat.ask(LIVES)
        assert shown.locator("blockquote").text_content() == citation["quote"]
        # The passage unfolds, with the quote marked in it.
        passage = shown.locator("details p")
        expect(passage).to_be_hidden()
        shown.get_by_text("Show the paragraph").click()
        assert passage.text_content() == citation["passage"]
        assert shown.locator("mark").text_content() == citation["quote"]
        # The disclaimer is there, whole and always.
        assert chat.page.locator("#note").text_content() == reply["disclaimer"]
        expect(chat.page.locator("#note")).to_be_visible()
        # The source opens beside the page, at the quote.
        with chat.page.expect_popup() as popup:
            shown.get_by_role("link", name="MS vs. ALS").click()
        source = popup.value
        assert source.url.startswith(f"{served.address}/source/ms-vs-als?start=")
        mark = source.locator("mark")
        assert mark.text_content() == citation["quote"]
        expect(mark).to_be_in_viewport()
        # Nothing of the visitor is left in the browser, and the policies were kept.
        assert chat.page.context.cookies() == []
        assert chat.page.evaluate("localStorage.length + sessionStorage.length") == 0
        assert chat.said == []


def test_an_option_is_chosen_and_stays_readable(embedded: Any) -> None:
    with opened(embedded()) as chat:
        options = chat.ask("is it fatal?").get_by_role("listitem").get_by_role("button")
        assert options.all_inner_texts() == ["Is MS a fatal disease?", "Is ALS a fatal disease?"]
        options.last.click()
        expect(chat.reply(1).locator("blockquote")).to_contain_text("ALS is a fatal disease")
        assert options.count() == 2
        expect(options.last).to_have_text("Is ALS a fatal disease? (asked)")
        expect(options.last).to_be_enabled()
        expect(options.last).to_be_focused()
        options.first.click()  # and the other one too, if both are wanted
        expect(chat.reply(2).locator("blockquote")).to_contain_text("MS is not a fatal disease")


def test_a_declined_question_says_what_is_missing_and_what_can_be_asked(embedded: Any) -> None:
    with opened(embedded('data-contact="mailto:desk@example.org"')) as chat:
        shown = chat.ask("How many people in Canada have MS?")
        expect(shown).to_contain_text("so I won't guess")
        expect(shown).to_contain_text("“Canada”")
        assert shown.locator("blockquote").count() == 0
        assert shown.get_by_role("link", name="Talk to a person").get_attribute("href") == (
            "mailto:desk@example.org"
        )
        offered = shown.get_by_role("listitem").get_by_role("button")
        assert offered.count() == 3
        offered.first.click()
        expect(chat.reply(1).locator("blockquote")).to_contain_text("400,000")


def test_a_personal_question_gets_the_reviewed_words_and_no_quote(embedded: Any) -> None:
    with opened(embedded()) as chat:
        shown = chat.ask("Should I stop taking my medication?")
        expect(shown).to_contain_text("I can't give personal medical advice")
        assert shown.locator("blockquote").count() == 0
        assert shown.get_by_role("button").count() == 0


def test_a_verdict_and_its_comment_are_kept(embedded: Any, served: Served) -> None:
    with opened(embedded()) as chat:
        shown = chat.ask(LIVES)
        thumb = shown.get_by_role("button", name="This did not help")
        thumb.click()
        expect(thumb).to_have_attribute("aria-pressed", "true")
        shown.get_by_role("textbox").fill("I meant in Norway")
        shown.get_by_role("button", name="Send the comment").click()
        expect(shown.get_by_role("textbox")).to_be_hidden()
        expect(thumb).to_be_focused()
    verdict = served.store.feedback()[0]
    assert (verdict.helpful, verdict.comment, verdict.question) == (
        False,
        "I meant in Norway",
        LIVES,
    )


def test_an_answer_is_copied_with_its_source(embedded: Any) -> None:
    with opened(embedded(permissions=["clipboard-read", "clipboard-write"])) as chat:
        chat.ask(LIVES).get_by_role("button", name="Copy the answer").click()
        expect(chat.page.get_by_role("status").filter(has_text="Copied.")).to_be_attached()
        copied = chat.page.evaluate("navigator.clipboard.readText()")
        assert "three to five years" in copied
        assert "/source/ms-vs-als?start=" in copied


def test_questions_are_completed_while_one_is_typed(embedded: Any) -> None:
    with opened(embedded()) as chat:
        chat.input.press_sequentially("how long do pe")
        options = chat.page.get_by_role("option")
        expect(options.first).to_have_text("How long do people live with ALS?")
        expect(chat.input).to_have_attribute("aria-expanded", "true")
        assert chat.input.get_attribute("aria-activedescendant") is None
        chat.input.press("ArrowDown")
        expect(options.first).to_have_attribute("aria-selected", "true")
        assert chat.input.get_attribute("aria-activedescendant") == options.first.get_attribute(
            "id"
        )
        chat.input.press("Escape")
        expect(chat.page.get_by_role("listbox")).to_be_hidden()
        expect(chat.input).to_be_visible()  # the first Escape closes the list, not the chat
        chat.input.press_sequentially("o")
        expect(options.first).to_be_visible()
        chat.input.press("ArrowDown")
        chat.input.press("Enter")
        expect(chat.reply(0).locator("blockquote")).to_contain_text("three to five years")
        assert chat.input.input_value() == ""


def test_nothing_is_sent_before_it_is_asked_where_the_owner_says_so(embedded: Any) -> None:
    with opened(embedded('data-typeahead="off"')) as chat:
        chat.page.get_by_text("You could ask").wait_for()  # the openers, which nobody typed
        asked: list[str] = []
        chat.page.on("request", lambda request: asked.append(request.url))
        chat.input.press_sequentially("how long do")
        chat.page.wait_for_timeout(500)
        assert asked == []


def test_a_new_conversation_forgets_the_old_one_on_the_server_too(
    embedded: Any, served: Served
) -> None:
    with opened(embedded()) as chat:
        with chat.page.expect_response("**/api/ask") as answered:
            chat.ask(LIVES)
        id = answered.value.json()["conversation_id"]
        assert served.store.conversation(id) is not None
        with chat.page.expect_response("**/api/conversations/*"):
            chat.page.get_by_role("button", name="New conversation").click()
        assert chat.replies.count() == 0
        expect(chat.input).to_be_focused()
        assert served.store.conversation(id) is None
        chat.ask("and MS?")


def test_what_was_begun_is_still_there_when_the_chat_is_opened_again(embedded: Any) -> None:
    with opened(embedded()) as chat:
        chat.ask(LIVES)
        chat.input.fill("And what ab")
        chat.page.keyboard.press("Escape")
        expect(chat.launcher).to_be_focused()
        chat.open()
        assert chat.input.input_value() == "And what ab"
        assert chat.replies.count() == 1
        chat.input.fill("")
        chat.input.press("ArrowUp")
        assert chat.input.input_value() == LIVES, "the last question can be changed and asked again"


def test_a_conversation_is_kept_on_the_device_only_by_choice(embedded: Any) -> None:
    kept = "Object.entries(localStorage).join()"
    with opened(embedded()) as chat:
        chat.ask(LIVES)
        assert chat.page.evaluate(kept) == ""
        menu = chat.page.get_by_role("button", name="Settings and help")
        menu.click()
        chat.page.get_by_role("checkbox").check()
        assert "three to five" in chat.page.evaluate(kept).replace("\\u00a0", " ")
        chat.page.reload()
        chat.open()
        expect(chat.replies.locator("blockquote")).to_contain_text("three to five years")
        chat.ask("and MS?")  # the conversation goes on, not only its picture
        expect(chat.replies.nth(1)).to_contain_text("Understood as")
        menu.click()
        chat.page.get_by_role("button", name="Delete what is kept").click()
        assert chat.page.evaluate(kept) == ""
        expect(chat.page.get_by_role("checkbox")).not_to_be_checked()


def test_what_was_kept_goes_when_it_is_old_or_not_the_chats_own(embedded: Any) -> None:
    with opened(embedded()) as chat:
        chat.ask(LIVES)
        chat.page.get_by_role("button", name="Settings and help").click()
        chat.page.get_by_role("checkbox").check()
        for change in ("old", "broken"):
            chat.page.evaluate(
                """(change) => {
                    const key = Object.keys(localStorage)[0];
                    const kept = JSON.parse(localStorage[key]);
                    if (change === "old") kept.saved -= 31 * 86400000;
                    else delete kept.messages[0].reply.text;
                    localStorage[key] = JSON.stringify(kept);
                }""",
                change,
            )
            chat.page.reload()
            chat.open()
            assert chat.replies.count() == 0
            assert "three to five" not in chat.page.evaluate("Object.values(localStorage).join()")
            chat.ask(LIVES)
        assert chat.said == []
