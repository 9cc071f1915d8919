"""From a platform's request to its delivered answer: nothing is lost, and all comes once, in order.

The server, its database, the adapters and the HTTP between them are real; the platforms are the
loopback fake, and the bot is the small one, slowed or broken where a test says so.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from platform_fake import REFUSED, PlatformFake
from senders import SENDERS, environment
from served_world import World
from small_bot import SmallBot, SmallExchange, serving

from bot.__main__ import main
from bot.channels import guard
from bot.channels.http import create_app
from bot.channels.messaging import delivery
from bot.channels.messaging.runtime import DELIVERY_THREADS, Connections
from bot.channels.sites import Sites
from bot.settings import Settings
from bot.state.inbox import Event, Inbox
from bot.state.store import Store, StoreError
from bot.types import Conversation

Start = Callable[..., World]
MS, ALS = "Is MS fatal?", "Is ALS fatal?"
MS_SAYS, ALS_SAYS = "MS is not a fatal disease", "ALS is a fatal disease"


class SlowBot(SmallBot):
    """Takes its time, and notes where two answers of one conversation overlap."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.overlaps = 0
        self.answered: list[str] = []
        self._busy: set[str] = set()
        self._guard = threading.Lock()

    def ask(self, question: str, conversation: Conversation | None = None) -> SmallExchange:
        assert conversation is not None
        with self._guard:
            self.overlaps += conversation.id in self._busy
            self._busy.add(conversation.id)
        time.sleep(self.seconds)
        with self._guard:
            self._busy.discard(conversation.id)
            self.answered.append(question)
        return super().ask(question, conversation)


class BrokenBot(SmallBot):
    """Fails for the first `times` questions."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def ask(self, question: str, conversation: Conversation | None = None) -> SmallExchange:
        if self.left > 0:
            self.left -= 1
            raise RuntimeError(f"a defect with {question}")
        return super().ask(question, conversation)


# The way there and back -------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [name for name in SENDERS if name != "teams"])
def test_a_question_on_any_channel_is_answered_once(start: Start, channel: str) -> None:
    world = start(channel)
    assert world.send(channel, MS).status_code < 300
    assert world.send(channel, MS).status_code < 300  # sent again
    world.wait(lambda: world.shown())
    world.wait(lambda: not world.outbox.counts())
    # Messenger and Instagram get the long disclaimer in messages of its own.
    assert sum(MS_SAYS in text for text in world.shown()) == 1
    assert world.metric("received", channel=channel) == 1
    assert world.metric("repeated", channel=channel) == 1
    assert world.metric("answered", channel=channel, kind="answer") == 1
    assert world.metric("delivered", channel=channel) == len(world.shown())
    assert world.fake.log.strange == []


def test_a_platform_that_wants_the_answer_in_the_response_gets_it_also_when_it_asks_again(
    start: Start,
) -> None:
    world = start("teams")
    first = world.send("teams", MS)
    again = world.send("teams", MS)
    assert MS_SAYS in first.json()["text"]
    assert again.content == first.content
    assert ALS_SAYS in world.send("teams", "and ALS?", 2).json()["text"]


def test_a_follow_up_is_understood_in_its_conversation_and_in_no_other(start: Start) -> None:
    world = start("telegram")
    world.send("telegram", MS, 1, conversation=1)
    world.send("telegram", "and ALS?", 2, conversation=1)
    world.wait(lambda: any(ALS_SAYS in text for text in world.shown()))
    world.send("telegram", "and ALS?", 1, conversation=2)
    world.wait(lambda: any(a.seen.conversation == 2 for a in world.arrivals()))
    (other,) = [a.seen.text for a in world.arrivals() if a.seen.conversation == 2]
    assert ALS_SAYS not in other


def test_a_question_that_can_not_be_taken_is_told_why(start: Start) -> None:
    class Strict(SmallBot):
        def ask(self, question: str, conversation: Conversation | None = None) -> SmallExchange:
            return super().ask("", conversation)

    world = start("line", bot=Strict())
    world.send("line", "?")
    world.wait(world.shown)
    assert world.shown() == ["the question is empty; write one"]
    assert world.metric("declined", channel="line", reason="error") == 1


def test_handshakes_are_answered(start: Start) -> None:
    world = start("whatsapp", "discord")
    query = {"hub.mode": "subscribe", "hub.verify_token": "verify-me", "hub.challenge": "42"}
    answer = world.client.get("/webhooks/whatsapp", params=query)
    assert (answer.status_code, answer.text) == (200, "42")
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_disabled_channel_is_not_there(start: Start) -> None:
    world = start("slack")
    assert world.send("telegram", MS).status_code == 404
    assert world.client.post("/webhooks/nothing").status_code == 404


def test_what_is_rejected_is_counted_by_reason_and_kept_nowhere(start: Start) -> None:
    world = start("slack", "telegram")
    hook = SENDERS["slack"].event(1, 1, MS, "")
    old = hook.sign("", hook.body, int(time.time()) - 301)
    assert world.client.post(hook.path, content=hook.body, headers=old).status_code == 401
    wrong = hook.headers() | {"x-slack-signature": "v0=" + "0" * 64}
    answer = world.client.post(hook.path, content=hook.body, headers=wrong)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert world.client.get("/webhooks/telegram").status_code == 405
    assert world.metric("rejected", channel="slack", reason="stale") == 1
    assert world.metric("rejected", channel="slack", reason="signature") == 1
    assert world.metric("rejected", channel="telegram", reason="method") == 1
    assert world.metric("received", channel="slack") == 0
    assert world.outbox.counts() == {}


def test_a_body_too_large_is_refused_before_it_is_verified(start: Start) -> None:
    world = start("slack", "whatsapp")
    assert world.client.post("/webhooks/slack", content=b"x" * 256_001).status_code == 413
    # Meta gathers events: three megabytes are read, and only then found to be unsigned.
    assert world.client.post("/webhooks/whatsapp", content=b"x" * 2_900_000).status_code == 401
    assert world.client.post("/webhooks/whatsapp", content=b"x" * 3_000_001).status_code == 413


def test_bodies_share_one_budget_of_memory(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    world = start("whatsapp")
    monkeypatch.setattr(guard, "BODIES_BYTES", 1_000_000)
    for _ in range(3):  # what a refused one held is free again
        answer = world.client.post("/webhooks/whatsapp", content=b"x" * 1_500_000)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert world.client.post("/webhooks/whatsapp", content=b"x" * 900_000).status_code == 401


def test_deleting_my_data_deletes_the_conversation(start: Start) -> None:
    world = start("telegram")
    world.send("telegram", MS, 1)
    world.wait(world.shown)
    world.send("telegram", "/delete", 2)
    world.wait(lambda: len(world.shown()) == 2)
    assert world.shown()[1] == "All that was kept of this conversation is deleted."
    world.send("telegram", "and ALS?", 3)
    world.wait(lambda: len(world.shown()) == 3)
    assert ALS_SAYS not in world.shown()[2]  # there is nothing to follow up
    assert world.metric("deleted", channel="telegram") == 1


# Five bugs seen in other bots -------------------------------------------------------------------


def test_a_repeated_request_is_taken_where_the_first_never_arrived(start: Start) -> None:
    """Bug: dropping every request that says it is a repetition."""
    world = start("slack")
    again = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    assert world.send("slack", MS, headers=again).status_code == 200
    world.wait(world.shown)
    assert MS_SAYS in world.shown()[0]


def test_an_event_that_could_not_be_kept_is_not_known_when_it_comes_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bug: the dedupe key is set before the work is stored."""
    world = start("generic")
    kept = Inbox._insert

    def failing(self: Inbox, db: Any, event: Event, now: float) -> int | None:
        kept(self, db, event, now)  # the key is in, and now the disk goes
        raise StoreError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(Inbox, "_insert", failing)
        assert world.send("generic", MS).status_code == 503
    assert world.send("generic", MS).status_code == 202
    world.wait(world.shown)
    assert world.metric("received", channel="generic") == 1
    assert len(world.shown()) == 1


def test_work_that_lasts_longer_than_a_lease_is_not_taken_over(start: Start) -> None:
    """Bug: a lock of fixed length with no heartbeat, so that handlers overlap."""
    bot = SlowBot(2.5)
    fake = PlatformFake()
    world = start("generic", bot=bot, fake=fake, lease_seconds=1.0)
    start("generic", bot=bot, fake=fake, lease_seconds=1.0)  # another server on the database
    world.send("generic", MS)
    world.wait(world.shown)
    time.sleep(0.5)
    assert bot.overlaps == 0
    assert bot.answered == [MS]
    assert len(world.shown()) == 1


def test_no_message_is_stranded_however_it_meets_the_end_of_the_one_before(start: Start) -> None:
    """Bug: enqueued between the last look for more and the unlock, a message waits for ever.

    See also test_queues, where the meeting is forced.
    """
    bot = SlowBot(0.02)
    world = start("generic", bot=bot)
    for number in range(1, 31):
        world.send("generic", MS, number)
        time.sleep(0.015 * (number % 4))
    world.wait(lambda: len(bot.answered) == 30, 30)
    assert bot.overlaps == 0


def test_messages_that_overlap_are_all_answered_in_their_order(start: Start) -> None:
    """Bug: what comes while an answer is worked on is dropped."""
    bot = SlowBot(0.3)
    world = start("generic", bot=bot)
    questions = [MS, "and ALS?", "hello", MS, ALS]
    for number, question in enumerate(questions, 1):
        assert world.send("generic", question, number).status_code == 202
    world.wait(lambda: len(world.shown()) == 5)
    assert bot.answered == questions
    assert bot.overlaps == 0
    assert [ALS_SAYS in text for text in world.shown()] == [False, True, False, False, True]


# When something fails ---------------------------------------------------------------------------


def test_two_servers_never_answer_one_conversation_at_once(start: Start) -> None:
    bot = SlowBot(0.05)
    fake = PlatformFake()
    worlds = [start("generic", bot=bot, fake=fake) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        sent = [
            pool.submit(worlds[n % 2].send, "generic", MS, n, conversation)
            for n in range(1, 11)
            for conversation in range(1, 5)
        ]
        assert {one.result().status_code for one in sent} == {202}
    worlds[0].wait(lambda: len(bot.answered) == 40, 60)
    time.sleep(0.5)
    assert bot.overlaps == 0
    assert len(bot.answered) == 40


def test_a_full_disk_is_503_and_nothing_is_lost_when_there_is_room_again(start: Start) -> None:
    world = start("generic")
    engine = world.store.database._engine

    @sa.event.listens_for(engine, "checkout")
    def quota(connection: Any, *_: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        limit = pages if full.is_set() else 1_000_000
        connection.execute(f"PRAGMA max_page_count={limit}").close()

    full = threading.Event()
    for number in range(1, 4):
        assert world.send("generic", MS, number, conversation=number).status_code == 202
    full.set()
    statuses: dict[int, int] = {}
    for number in range(4, 60):  # until the pages that there are have no room left
        sent = world.send("generic", "x" * 2000, number, conversation=number)
        statuses[number] = sent.status_code
    refused = [number for number, status in statuses.items() if status == 503]
    assert refused
    assert set(statuses.values()) <= {202, 503}
    assert sent.headers["retry-after"] == "10"
    full.clear()
    for number in refused:
        assert world.send("generic", "x" * 2000, number, conversation=number).status_code == 202
    world.wait(lambda: len({a.seen.conversation for a in world.arrivals()}) == 59, 40)
    world.wait(lambda: not world.outbox.counts(), 40)


def test_a_locked_database_is_503_within_a_second_or_so_and_nothing_is_lost(start: Start) -> None:
    world = start("slack")
    file = world.store.database._engine.url.database
    assert file is not None
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    assert world.send("slack", MS).status_code == 503
    assert time.monotonic() - started < 5
    other.execute("ROLLBACK")
    other.close()
    assert world.send("slack", MS).status_code == 200
    world.wait(world.shown, 40)
    assert len(world.shown()) == 1


def test_an_answer_that_could_not_be_noted_as_delivered_is_not_sent_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "NOTE_SECONDS", 0.2)
    locked = threading.Event()

    def lock(channel: str, conversation: int) -> str | None:
        if not locked.is_set():  # while the platform reads the message the database gets stuck
            other.execute("BEGIN IMMEDIATE")
            locked.set()
        return None

    fake = PlatformFake(choose=lock)
    world = start("slack", fake=fake)
    file = world.store.database._engine.url.database
    assert file is not None
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    world.send("slack", MS)
    world.wait(locked.is_set)
    time.sleep(7)  # longer than writers wait, and than the lease
    other.execute("ROLLBACK")
    other.close()
    world.wait(lambda: not world.outbox.counts(), 30)
    assert len(world.arrivals()) == 1


def test_retry_after_is_honoured(start: Start) -> None:
    asked: dict[str, int] = {}

    def choose(channel: str, conversation: int) -> str | None:
        asked[channel] = asked.get(channel, 0) + 1
        return "429" if asked[channel] == 1 else None

    fake = PlatformFake(retry_after=1.5, choose=choose)
    world = start("slack", "telegram", "discord", fake=fake)
    started = time.time()
    for channel in ("slack", "telegram", "discord"):
        world.send(channel, MS)
    world.wait(lambda: len({a.channel for a in world.arrivals()}) == 3)
    assert all(a.at - started >= 1.5 for a in world.arrivals())
    assert fake.log.early == 0
    assert world.metric("retried", channel="slack", reason="asked to wait") == 1


def test_a_message_with_a_key_is_shown_once_though_the_platforms_answer_was_lost(
    start: Start,
) -> None:
    seen: dict[str, int] = {}

    def choose(channel: str, conversation: int) -> str | None:
        seen[channel] = seen.get(channel, 0) + 1
        return "lost" if seen[channel] == 1 else None

    keyed = [name for name, sender in SENDERS.items() if sender.idempotent]
    world = start(*keyed, fake=PlatformFake(choose=choose))
    for channel in keyed:
        world.send(channel, MS)
    world.wait(lambda: sum(a.repeated for a in world.arrivals()) == len(keyed))
    for channel in keyed:
        assert len(world.arrivals(channel)) == 2
        assert len(world.shown(channel)) == 1
    world.wait(lambda: not world.outbox.counts())


def test_a_dead_letter_is_listed_and_replayed_from_the_command_line(
    start: Start, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = threading.Event()
    refusing.set()
    fake = PlatformFake(choose=lambda *_: REFUSED if refusing.is_set() else None)
    world = start("slack", fake=fake)
    file = world.store.database._engine.url.database
    monkeypatch.setenv("QUOTH_DATABASE_URL", f"sqlite:///{file}")
    world.send("slack", MS, 1)
    world.send("slack", ALS, 2)
    world.wait(lambda: world.outbox.counts() == {("out", "slack", "dead"): 2})
    assert world.metric("dead", channel="slack", box="out") == 2
    assert main(["outbox", "list"]) == 0
    listed = capsys.readouterr().out
    assert "HTTP 400" in listed
    assert "fatal" not in listed
    refusing.clear()
    assert main(["outbox", "replay", "--all", "--channel", "slack"]) == 0
    world.wait(lambda: len(world.shown()) == 2)
    assert MS_SAYS in world.shown()[0]
    assert ALS_SAYS in world.shown()[1]
    assert main(["outbox", "replay", "out-999"]) == 2
    assert main(["outbox", "drop", "--all"]) == 0


def test_a_message_is_given_up_after_its_attempts(start: Start) -> None:
    fake = PlatformFake(choose=lambda *_: "500")
    world = start("twilio", fake=fake, delivery_attempts=3)
    world.send("twilio", MS)
    world.wait(lambda: ("out", "twilio", "dead") in world.outbox.counts())
    assert {letter.attempts for letter in world.outbox.letters() if letter.attempts} == {3}
    assert fake.log.faults == {"500": 3}


def test_a_defect_is_tried_again_and_then_admitted_to(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    world = start("line", bot=BrokenBot(1))
    world.send("line", MS)
    world.wait(lambda: any(MS_SAYS in text for text in world.shown()))

    world = start("telegram", bot=BrokenBot(99))
    world.send("telegram", MS)
    world.wait(lambda: any("went wrong on our side" in text for text in world.shown()))
    (letter,) = world.outbox.letters()
    assert (letter.box, letter.error) == ("in", "RuntimeError")
    assert "fatal" not in capfd.readouterr().err


def test_a_platform_that_hangs_holds_up_no_other(start: Start) -> None:
    fake = PlatformFake(late=4, choose=lambda channel, _: "late" if channel == "slack" else None)
    world = start("slack", "line", fake=fake)
    for conversation in range(1, DELIVERY_THREADS + 2):  # more than there are threads to send
        world.send("slack", MS, conversation=conversation)
    time.sleep(0.5)
    started = time.monotonic()
    world.send("line", MS)
    world.wait(lambda: world.arrivals("line"))
    assert time.monotonic() - started < 3.5


def test_a_server_that_is_told_to_end_finishes_what_it_took_on(start: Start, tmp_path: Any) -> None:
    fake = PlatformFake().start()
    store = Store(f"sqlite:///{tmp_path}/ending.db")
    connections = Connections.of(environment(fake.address, ("generic",)))
    bot: Any = SlowBot(0.1)
    app = create_app(Sites.single(bot, store, Settings(rate_per_minute=6000)), connections)
    with serving(app) as address, httpx.Client(base_url=address, trust_env=False) as client:
        world = World(client, fake, store)
        for conversation in range(10):
            world.send("generic", MS, conversation=conversation)
    try:
        assert len(world.shown()) == 10
        assert world.outbox.counts() == {}
    finally:
        store.close()
        fake.stop()


def test_a_new_state_of_the_knowledge_answers_here_too(tmp_path: Any) -> None:
    with ExitStack() as stack:
        fake = PlatformFake().start()
        stack.callback(fake.stop)
        store = stack.enter_context(closing(Store(f"sqlite:///{tmp_path}/reloading.db")))
        before: Any = SmallBot()
        after: Any = SmallBot()
        sites = Sites.single(before, store, Settings(rate_per_minute=6000))
        app = create_app(sites, Connections.of(environment(fake.address, ("generic",))))
        address = stack.enter_context(serving(app))
        client = stack.enter_context(httpx.Client(base_url=address, trust_env=False))
        world = World(client, fake, store)
        world.send("generic", MS, conversation=1)
        world.wait(lambda: len(world.shown()) == 1)
        sites.serve("", after)
        world.send("generic", MS, conversation=2)
        world.wait(lambda: len(world.shown()) == 2)
        assert (before.asked, after.asked) == (1, 1)


def test_a_restart_goes_on_where_the_last_server_was(start: Start, tmp_path: Any) -> None:
    store = Store(f"sqlite:///{tmp_path}/quoth.db")
    reply_to = {"conversation": "9", "in_reply_to": "msg_1"}
    message = {"text": MS, "picked": None, "reply_to": reply_to}
    Inbox(store.database).accept([Event("generic", "msg_1", "generic.c", message)])
    store.close()
    world = start("generic")
    world.wait(world.shown)
    assert MS_SAYS in world.shown()[0]
