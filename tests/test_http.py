"""The JSON interface: replies, conversations, limits, errors, and what is never told."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_bot import SmallBot, SmallExchange, serving, small_site

from bot.channels.http import create_app
from bot.channels.sites import Sites
from bot.channels.wire import ProblemModel, ReplyModel
from bot.settings import Settings
from bot.state.store import Store
from bot.types import Conversation


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with small_site(tmp_path_factory.mktemp("site")) as client:
        yield client


FORM = {"content-type": "application/x-www-form-urlencoded"}


def ask(client: httpx.Client, question: str, **fields: Any) -> dict[str, Any]:
    response = client.post("/api/ask", json={"question": question, **fields})
    assert response.status_code == 200, response.text
    return dict(response.json())


def refused(response: httpx.Response, status: int) -> ProblemModel:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found = ProblemModel.model_validate(response.json())
    assert found.status == status
    return found


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("is ALS fatal?", "answer"),
        ("are MS and ALS fatal?", "answer"),
        ("is it fatal?", "clarify"),
        ("what about the weather?", "decline"),
        ("hello", "smalltalk"),
        ("should my mother worry?", "safety"),
    ],
)
def test_every_kind_of_reply_keeps_the_contract(
    client: httpx.Client, question: str, kind: str
) -> None:
    reply = ReplyModel.model_validate(ask(client, question))
    assert reply.kind == kind
    assert reply.answer == ("\n\n".join(c.quote for c in reply.citations) or None)


def test_the_described_schema_is_the_reply(client: httpx.Client) -> None:
    schema = client.get("/openapi.json").json()
    described = schema["components"]["schemas"]["ReplyModel"]
    assert set(described["properties"]) == set(described["required"]) == set(ask(client, "hello"))
    operation = schema["paths"]["/api/ask"]["post"]
    assert {"200", "422", "429", "503"} <= set(operation["responses"])
    assert "ProblemModel" in schema["components"]["schemas"]
    assert "HTTPValidationError" not in json.dumps(schema)


def test_a_conversation_goes_on_under_its_id(client: httpx.Client) -> None:
    first = ask(client, "is ALS fatal?")
    second = ask(client, "and MS?", conversation_id=first["conversation_id"])
    assert second["conversation_id"] == first["conversation_id"]
    assert second["question"] == "Is MS fatal?"
    assert second["kind"] == "answer"


@pytest.mark.parametrize("id", ["mine", "", "x" * 200, "a\0b", "../../etc", "ü"])
def test_an_id_made_elsewhere_starts_a_new_conversation(client: httpx.Client, id: str) -> None:
    reply = ask(client, "hello", conversation_id=id)
    assert reply["conversation_id"] != id
    assert len(reply["conversation_id"]) >= 32


def test_a_message_sent_again_gets_the_first_reply(tmp_path: Path) -> None:
    bot = SmallBot()
    with small_site(tmp_path, bot) as client:
        id = ask(client, "hello")["conversation_id"]
        first = ask(client, "is MS fatal?", conversation_id=id, client_id="m-1")
        again = ask(client, "is MS fatal?", conversation_id=id, client_id="m-1")
        assert again == first
        assert bot.asked == 2
        other = ask(client, "is MS fatal?", client_id="m-1")
        assert other["turn_id"] != first["turn_id"], "another conversation's id tells nothing"


def test_suggestions_complete_a_question(client: httpx.Client) -> None:
    assert client.get("/api/suggestions", params={"q": "is a"}).json() == {
        "suggestions": ["Is ALS fatal?"]
    }
    assert len(client.get("/api/suggestions").json()["suggestions"]) == 2


def test_feedback_is_taken_for_a_known_turn_only(client: httpx.Client) -> None:
    turn_id = ask(client, "is MS fatal?")["turn_id"]
    given = {"turn_id": turn_id, "helpful": False, "comment": "too short"}
    assert client.post("/api/feedback", json=given).status_code == 204
    refused(client.post("/api/feedback", json={**given, "turn_id": "no"}), 404)


def test_a_deleted_conversation_is_forgotten(client: httpx.Client) -> None:
    id = ask(client, "is ALS fatal?")["conversation_id"]
    assert client.delete(f"/api/conversations/{id}").status_code == 204
    refused(client.delete(f"/api/conversations/{id}"), 404)
    assert ask(client, "and MS?", conversation_id=id)["conversation_id"] != id


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "question"),
        ({"question": 7}, "question"),
        ({"question": " \n"}, "question"),
        ({"question": "private " * 251}, "question"),
        ({"question": "private", "conversation_id": 3}, "conversation_id"),
        ({"question": "private", "client_id": "a b"}, "client_id"),
        ([], "body"),
    ],
)
def test_a_wrong_field_is_named_and_not_repeated(
    client: httpx.Client, body: object, field: str
) -> None:
    response = client.post("/api/ask", json=body)
    found = refused(response, 422)
    assert found.errors
    assert found.errors[0].field == field
    assert "private" not in response.text


@pytest.mark.parametrize(
    ("method", "path", "content", "type", "status"),
    [
        ("GET", "/nowhere", b"", "", 404),
        ("GET", "/static/../http.py", b"", "", 404),
        ("GET", "/static/%2e%2e/types.py", b"", "", 404),
        ("GET", "/source/none", b"", "", 404),
        ("GET", "/source/ms-vs-als?start=x&end=2", b"", "", 422),
        ("GET", "/api/ask", b"", "", 405),
        ("PUT", "/", b"", "", 405),
        ("POST", "/api/ask", b"question=private", "application/x-www-form-urlencoded", 415),
        ("POST", "/api/ask", b"private", "", 415),
        ("POST", "/ask", b'{"question": "private"}', "application/json", 415),
        ("POST", "/ask", b"a=1&" * 30, "application/x-www-form-urlencoded", 400),
        ("POST", "/api/ask", b"private", "application/json", 400),
        ("POST", "/api/ask", b"[" * 60000, "application/json", 400),
        ("POST", "/api/ask", b'{"question": "\xff private"}', "application/json", 400),
        ("GET", "/api/suggestions?q=" + "private" * 300, b"", "", 422),
    ],
)
def test_every_error_is_a_problem_that_repeats_nothing(
    client: httpx.Client, method: str, path: str, content: bytes, type: str, status: int
) -> None:
    headers = {"content-type": type} if type else {}
    response = client.request(method, path, content=content, headers=headers)
    refused(response, status)
    assert "private" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    if status == 405:
        assert response.headers["allow"]


def test_half_a_surrogate_pair_is_answered(client: httpx.Client) -> None:
    response = client.post(
        "/api/ask",
        content=b'{"question": "is MS fatal\\ud800"}',
        headers={"content-type": "application/json"},
    )
    assert response.status_code == 200
    assert client.post("/ask", content=b"question=%ed%a0%80+\xff", headers=FORM).status_code == 200


def test_what_is_no_id_is_unknown_to_every_database(url: str) -> None:
    with closing(Store(url)) as store:
        small: Any = SmallBot()
        app = create_app(Sites.single(small, store, Settings(rate_per_minute=6000)))
        with serving(app) as address, httpx.Client(base_url=address) as client:
            for id in ("\0", "a\0b", "é"):
                given = {"turn_id": id, "helpful": True}
                refused(client.post("/api/feedback", json=given), 404)
                refused(client.delete(f"/api/conversations/{quote(id)}"), 404)
                ask(client, "is MS fatal?", conversation_id=id)


def test_a_browser_gets_a_page_for_an_error(client: httpx.Client) -> None:
    response = client.get("/nowhere", headers={"accept": "text/html,*/*"})
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert "There is nothing at this address." in response.text


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_too_large_is_refused(client: httpx.Client, chunked: bool) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(80):
            yield b"x" * 1024

    content = pieces() if chunked else b"x" * 65537
    response = httpx.post(
        client.base_url.join("/api/ask"),
        content=content,
        headers={"content-type": "application/json"},
    )
    assert "65536" in refused(response, 413).detail


def test_a_body_of_the_limit_is_read(client: httpx.Client) -> None:
    body = json.dumps({"question": "hello"}).encode().ljust(65536)
    response = client.post(
        "/api/ask", content=body, headers={"content-type": "application/json; charset=utf-8"}
    )
    assert response.status_code == 200


def test_too_many_questions_wait_and_health_does_not(tmp_path: Path) -> None:
    with small_site(tmp_path, rate_per_minute=3) as client:
        for _ in range(3):
            ask(client, "hello")
        response = client.post("/api/ask", json={"question": "hello"})
        refused(response, 429)
        assert 1 <= int(response.headers["retry-after"]) <= 20
        assert client.get("/").status_code == 200, "pages have a rate of their own"
        assert all(client.get("/healthz").status_code == 200 for _ in range(40))


class SlowBot(SmallBot):
    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def ask(self, question: str, conversation: Conversation | None = None) -> SmallExchange:
        self.gate.wait(20)
        return super().ask(question, conversation)


def test_more_than_the_pool_takes_is_told_to_come_back(tmp_path: Path) -> None:
    bot = SlowBot()
    with small_site(tmp_path, bot) as client, ThreadPoolExecutor(90) as visitors:

        def visit(_: int) -> httpx.Response:
            return httpx.post(
                client.base_url.join("/api/ask"), json={"question": "hello"}, timeout=30
            )

        pending = [visitors.submit(visit, number) for number in range(90)]
        early = []
        while len(early) < 18:  # 90 less the 8 under way and the 64 waiting
            time.sleep(0.05)
            early = [one for one in pending if one.done()]
        bot.gate.set()
        responses = [one.result() for one in pending]
    busy = [response for response in responses if response.status_code == 503]
    assert len(busy) == 18
    assert all(refused(one, 503) and one.headers["retry-after"] == "1" for one in busy)
    assert sum(response.status_code == 200 for response in responses) == 72


class BrokenBot(SmallBot):
    def ask(self, question: str, conversation: Conversation | None = None) -> SmallExchange:
        raise ValueError(f"can't take {question!r}")


def test_a_fault_tells_a_number_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with small_site(tmp_path, BrokenBot()) as client:
        response = client.post("/api/ask", json={"question": "my private lump"})
        found = refused(response, 500)
        assert found.instance is not None
        assert "private" not in response.text
        assert "Traceback" not in response.text
        page = client.post("/ask", data={"question": "private"}, headers={"accept": "text/html"})
        assert page.status_code == 500
        assert "private" not in page.text
    number = found.instance.removeprefix("urn:uuid:")
    (line,) = [r.getMessage() for r in caplog.records if number in r.getMessage()]
    assert "ValueError" in line
    assert "test_http.py" in line
    assert "private" not in caplog.text


def test_no_log_line_has_anything_of_a_question(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("uvicorn.error", "quoth.access"):
        caplog.set_level(logging.DEBUG, logger=name)
    ask(client, "is my zebrafinch fatal?")
    client.get("/api/suggestions", params={"q": "zebrafinch"})
    client.get("/ask", params={"question": "zebrafinch"})
    client.post("/ask", data={"question": "zebrafinch"})
    client.get("/zebrafinch")
    client.post("/api/ask", json={"question": "zebrafinch" * 300})
    lines = [
        r.getMessage() for r in caplog.records if r.name.startswith(("quoth", "uvicorn.error"))
    ]
    assert any("/api/suggestions" in line for line in lines)
    assert not any("zebrafinch" in line for line in lines)


def test_the_metrics_count_and_name_no_path(client: httpx.Client) -> None:
    ask(client, "is MS fatal?")
    client.get("/a-path-someone-typed")
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = response.text
    assert 'quoth_replies_total{kind="answer",reason=""}' in text
    assert 'quoth_requests_total{method="POST",route="/api/ask",status="200"}' in text
    assert 'route="none",status="404"' in text
    assert "typed" not in text
    assert "quoth_answer_seconds_count" in text


def test_health_and_readiness(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {
        "status": "ready",
        "store": "ok",
        "pairs": 2,
        "quarantined": 0,
        "fault": None,
    }


def test_only_named_origins_may_ask_from_a_browser(tmp_path: Path) -> None:
    with small_site(tmp_path, allowed_origins=("https://a.example",), rate_per_minute=1) as client:
        wish = {"access-control-request-method": "POST"}
        ours = client.options("/api/ask", headers={"origin": "https://a.example", **wish})
        assert ours.headers["access-control-allow-origin"] == "https://a.example"
        assert "access-control-allow-credentials" not in ours.headers
        other = client.options("/api/ask", headers={"origin": "https://a.example.evil", **wish})
        assert "access-control-allow-origin" not in other.headers
        for status in (200, 429):  # a refusal can be read there too
            said = client.post(
                "/api/ask", json={"question": "hello"}, headers={"origin": "https://a.example"}
            )
            assert said.status_code == status
            assert said.headers["access-control-allow-origin"] == "https://a.example"


def test_no_origin_is_allowed_by_default(client: httpx.Client) -> None:
    response = client.get("/healthz", headers={"origin": "https://a.example"})
    assert "access-control-allow-origin" not in response.headers


def test_a_failing_store_costs_the_memory_not_the_answer(tmp_path: Path) -> None:
    with small_site(tmp_path) as client:
        ask(client, "hello")
        with sqlite3.connect(tmp_path / "quoth.db") as db:
            db.execute("DROP TABLE turns")
        db.close()
        reply = ask(client, "is MS fatal?")
        assert reply["kind"] == "answer"
        response = client.post("/api/feedback", json={"turn_id": "t", "helpful": True})
        refused(response, 503)
        assert response.headers["retry-after"]
        assert "quoth_store_errors_total 2.0" in client.get("/metrics").text


def test_questions_at_once_are_all_answered_in_their_own_conversation(client: httpx.Client) -> None:
    def talk(number: int) -> bool:
        disease = "MS" if number % 2 else "ALS"
        other = "ALS" if number % 2 else "MS"
        with httpx.Client(base_url=client.base_url, timeout=30) as own:
            first = ask(own, f"is {disease} fatal?")
            second = ask(own, f"and {other}?", conversation_id=first["conversation_id"])
        return bool(second["question"] == f"Is {other} fatal?")

    with ThreadPoolExecutor(16) as visitors:
        assert all(visitors.map(talk, range(48)))


@settings(deadline=None)
@given(question=st.text(st.characters(), max_size=60))
def test_any_text_is_answered_or_refused_with_its_field(
    client: httpx.Client, question: str
) -> None:
    response = client.post(
        "/api/ask",
        content=json.dumps({"question": question}),
        headers={"content-type": "application/json"},
    )
    if response.status_code == 200:
        ReplyModel.model_validate(response.json())
    else:
        refused(response, 422)
