"""The widget where something fails: no connection, a lost reply, a full or broken server."""

from __future__ import annotations

import json
from typing import Any

from browsing import LIVES, Chat, opened
from playwright.sync_api import Route, expect

ASK = "**/api/ask"


def sent(chat: Chat) -> list[dict[str, Any]]:
    """What is posted to /api/ask from now on."""
    found: list[dict[str, Any]] = []

    def keep(request: Any) -> None:
        if request.url.endswith("/api/ask") and request.method == "POST":
            found.append(json.loads(request.post_data))

    chat.page.on("request", keep)
    return found


def submit(chat: Chat, question: str) -> None:
    chat.input.fill(question)
    chat.input.press("Enter")


def test_questions_asked_offline_are_sent_once_and_in_order_when_back(embedded: Any) -> None:
    with opened(embedded()) as chat:
        chat.ask(LIVES)
        posted = sent(chat)
        chat.page.context.set_offline(True)
        submit(chat, "and MS?")
        alert = chat.page.get_by_role("alert")
        expect(alert).to_contain_text("No connection.")
        submit(chat, "Is there a cure for ALS?")
        chat.page.wait_for_timeout(1500)  # tries meanwhile reach nobody
        expect(chat.page.locator(".question")).to_have_count(3)
        expect(chat.page.get_by_text("Waiting to be sent")).to_have_count(2)
        chat.page.context.set_offline(False)
        expect(chat.replies).to_have_count(3)
        expect(alert).to_be_empty()
        expect(chat.replies.nth(1)).to_contain_text("MS")
        expect(chat.replies.nth(2).locator("blockquote")).to_contain_text("cure")
        chat.page.wait_for_timeout(800)
        expect(chat.replies).to_have_count(3)
        assert len({one["client_id"] for one in posted}) == 2, "a message keeps its id"
        assert chat.page.get_by_role("log").locator("p").count() == 3


def test_a_reply_that_was_lost_is_fetched_not_asked_again(embedded: Any, served: Any) -> None:
    with opened(embedded()) as chat:
        lost: list[dict[str, Any]] = []

        def lose_every_second(route: Route) -> None:
            if route.request.method == "POST" and len(lost) < chat.page.locator(".turn").count():
                lost.append(route.fetch().json())  # the server answers; nobody hears it
                route.abort()
            else:
                route.continue_()

        chat.page.route(ASK, lose_every_second)
        for number, question in enumerate((LIVES, "and MS?")):
            with chat.page.expect_response(ASK) as again:
                submit(chat, question)
                expect(chat.replies).to_have_count(number + 1)
            assert again.value.json()["turn_id"] == lost[number]["turn_id"]
        turns = served.store.conversation(lost[0]["conversation_id"]).turns
        assert [turn.asked for turn in turns] == [LIVES, "and MS?"]


def test_a_broken_server_is_told_kindly_and_the_question_kept(embedded: Any) -> None:
    with opened(embedded()) as chat:
        broken = json.dumps({"status": 500, "detail": "Internal Server Error (number 7)"})
        chat.page.route(ASK, lambda route: _refuse(route, 500, broken))
        submit(chat, LIVES)
        alert = chat.page.get_by_role("alert")
        expect(alert).to_contain_text("Something went wrong on our side.")
        assert "number 7" not in alert.inner_text()
        expect(chat.page.locator(".question")).to_have_text(LIVES)
        chat.page.unroute(ASK)
        alert.get_by_role("button", name="Try again").click()
        expect(chat.input).to_be_focused()
        expect(chat.reply(0).locator("blockquote")).to_be_visible()
        expect(alert).to_be_empty()


def test_a_full_server_is_asked_again_when_it_says_so(embedded: Any) -> None:
    with opened(embedded()) as chat:
        refused: list[float] = []

        def refuse_once(route: Route) -> None:
            if route.request.method == "POST" and not refused:
                refused.append(1)
                _refuse(route, 429, "{}", {"Retry-After": "1"})
            else:
                route.continue_()

        chat.page.route(ASK, refuse_once)
        posted = sent(chat)
        submit(chat, LIVES)
        expect(chat.page.get_by_role("alert")).to_contain_text("sent again in a second")
        submit(chat, "and MS?")  # waits for its turn, and earns no further refusal
        expect(chat.replies).to_have_count(2)
        assert [one["question"] for one in posted] == [LIVES, LIVES, "and MS?"]
        expect(chat.page.get_by_role("alert")).to_be_empty()


def test_a_question_the_server_cannot_take_goes_back_into_the_field(embedded: Any) -> None:
    with opened(embedded()) as chat:
        said = json.dumps({"detail": "The question is in no language."})
        chat.page.route(ASK, lambda route: _refuse(route, 422, said))
        submit(chat, LIVES)
        expect(chat.page.get_by_role("alert")).to_contain_text("The question is in no language.")
        expect(chat.input).to_have_value(LIVES)
        assert chat.page.locator(".question").count() == 0


def test_feedback_that_cannot_be_sent_is_not_shown_as_given(embedded: Any) -> None:
    with opened(embedded()) as chat:
        thumb = chat.ask(LIVES).get_by_role("button", name="This helped")
        chat.page.route("**/api/feedback", lambda route: route.abort())
        thumb.click()
        expect(chat.page.get_by_role("alert")).to_contain_text("That could not be sent.")
        expect(thumb).to_have_attribute("aria-pressed", "false")


def _refuse(route: Route, status: int, body: str, headers: dict[str, str] | None = None) -> None:
    if route.request.method != "POST":
        route.continue_()
        return
    allowed = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
    route.fulfill(
        status=status,
        body=body,
        headers={**allowed, **(headers or {})},
        content_type="application/problem+json",
    )
