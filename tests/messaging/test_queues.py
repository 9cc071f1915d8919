"""Inbox, outbox and lanes lose nothing, keep order and let one worker in at a time, on SQLite and
on PostgreSQL alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from checkout import ROOT
from clock import Clock

from bot.channels.messaging.delivery import Backoff, Courier
from bot.channels.messaging.egress import Egress
from bot.channels.messaging.incoming import OutgoingRequest
from bot.channels.messaging.registry import load_channels
from bot.channels.messaging.tokens import AccessTokens
from bot.state.database import Database
from bot.state.inbox import REMEMBERED_DAYS, Event, Inbox, forget
from bot.state.lanes import Lanes, LeaseLost, touch
from bot.state.metrics import Metrics
from bot.state.outbox import Outbox, add_requests
from bot.state.tables import INBOX, LANES, OUTBOX

DAY = 86400
SLACK = {
    "QUOTH_CHANNELS": "slack",
    "QUOTH_PUBLIC_URL": "https://quoth.example.org",
    "QUOTH_SLACK_SIGNING_SECRET": "s3cret",
    "QUOTH_SLACK_BOT_TOKEN": "xoxb-1",
}


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def inbox(database: Database, clock: Clock) -> Inbox:
    return Inbox(database, clock)


@pytest.fixture
def outbox(database: Database, clock: Clock) -> Outbox:
    return Outbox(database, clock)


def incoming(database: Database, clock: Clock) -> Lanes:
    return Lanes(database, "in", lease_seconds=30, clock=clock)


def outgoing(database: Database, clock: Clock, **paces: float) -> Lanes:
    return Lanes(database, "out", lease_seconds=30, paces=paces, clock=clock)


def event(key: str, conversation: str = "c", text: str = "is it fatal?") -> Event:
    return Event("slack", key, conversation, {"text": text})


def finish(database: Database, inbox: Inbox, lanes: Lanes, lease: object) -> None:
    with database.transaction(write=True) as db:
        lanes.check(db, lease)  # type: ignore[arg-type]
        inbox.done(db, lease.number)  # type: ignore[attr-defined]
        lanes.release(db, lease)  # type: ignore[arg-type]


def put(
    database: Database, clock: Clock, conversation: str, event: int, *bodies: str, by: str = "slack"
) -> None:
    with database.transaction(write=True) as db:
        touch(db, "out", conversation, by, clock())
        requests = [{"method": "POST", "body": body} for body in bodies]
        add_requests(db, by, conversation, event, requests, clock())


def test_an_event_is_kept_once_however_often_it_comes(inbox: Inbox) -> None:
    assert inbox.accept([event("1"), event("2"), event("1")]) == 2
    assert inbox.accept([event("1")]) == 0


def test_the_same_key_of_another_channel_is_another_event(inbox: Inbox) -> None:
    assert inbox.accept([event("1"), Event("line", "1", "d", {"text": "?"})]) == 2


def test_events_are_accepted_all_or_none(inbox: Inbox, database: Database) -> None:
    broken = Event("slack", "2", "c", {"text": object()})
    with pytest.raises(TypeError):
        inbox.accept([event("1"), broken])
    assert inbox.accept([event("1")]) == 1


def test_a_conversation_is_leased_to_one_and_its_messages_come_in_order(
    database: Database, inbox: Inbox, clock: Clock
) -> None:
    inbox.accept([event("1", text="first"), event("2", text="second"), event("3", "d")])
    lanes = incoming(database, clock)
    leases = lanes.claim(10)
    assert sorted(lease.conversation for lease in leases) == ["c", "d"]
    assert lanes.claim(10) == []
    first = next(lease for lease in leases if lease.conversation == "c")
    waiting = inbox.waiting(first)
    assert waiting is not None
    assert waiting.message["text"] == "first"
    finish(database, inbox, lanes, first)
    (second,) = lanes.claim(10)
    waiting = inbox.waiting(second)
    assert waiting is not None
    assert waiting.message["text"] == "second"


def test_what_was_written_is_forgotten_when_it_is_answered(
    database: Database, inbox: Inbox, clock: Clock
) -> None:
    inbox.accept([event("1")])
    lanes = incoming(database, clock)
    finish(database, inbox, lanes, lanes.claim(1)[0])
    with database.transaction() as db:
        assert db.scalar(sa.select(INBOX.c.message)) is None
    assert inbox.accept([event("1")]) == 0


def test_a_lease_that_nobody_renews_is_taken_over_and_its_owner_may_write_no_more(
    database: Database, inbox: Inbox, clock: Clock
) -> None:
    inbox.accept([event("1")])
    lanes = incoming(database, clock)
    (late,) = lanes.claim(1)
    clock.now += 29
    assert lanes.claim(1) == []
    clock.now += 2
    (taken,) = lanes.claim(1)
    assert taken.attempt == 2
    with pytest.raises(LeaseLost):
        finish(database, inbox, lanes, late)
    finish(database, inbox, lanes, taken)


def test_a_renewed_lease_lasts(database: Database, inbox: Inbox, clock: Clock) -> None:
    inbox.accept([event("1")])
    lanes = incoming(database, clock)
    (lease,) = lanes.claim(1)
    for _ in range(10):
        clock.now += 20
        assert lanes.renew([lease]) == 1
        assert lanes.claim(1) == []


def test_a_message_that_comes_while_the_last_one_is_finished_is_not_stranded(
    database: Database, inbox: Inbox, clock: Clock
) -> None:
    inbox.accept([event("1")])
    lanes = incoming(database, clock)
    (lease,) = lanes.claim(1)
    with database.transaction(write=True) as db:
        lanes.check(db, lease)
        inbox.done(db, lease.number)
        # Between the look for more and the end of the lease another message comes.
        lanes.release(db, lease)
        other = threading.Thread(target=inbox.accept, args=([event("2")],))
        other.start()
        other.join(0.3)
        assert other.is_alive()  # it waits for the lane
    other.join()
    assert lanes.next_due() is not None
    assert len(lanes.claim(1)) == 1


def test_workers_that_claim_at_once_never_get_one_conversation_twice(
    database: Database, inbox: Inbox, clock: Clock
) -> None:
    inbox.accept([event(str(n), f"c{n % 7}") for n in range(70)])
    held: set[str] = set()
    done: list[int] = []
    lock = threading.Lock()

    def work(_: int) -> None:
        lanes = incoming(database, clock)
        while lanes.next_due() is not None:
            for lease in lanes.claim(2):
                with lock:
                    assert lease.conversation not in held
                    held.add(lease.conversation)
                    done.append(lease.number)
                with lock:
                    held.remove(lease.conversation)
                finish(database, inbox, lanes, lease)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert sorted(done) == list(range(1, 71))
    for conversation in range(7):
        mine = [n for n in done if (n - 1) % 7 == conversation]
        assert mine == sorted(mine)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_a_killed_worker_held_is_worked_on_by_another(
    url: str, database: Database, inbox: Inbox
) -> None:
    now = Inbox(database)
    now.accept([event("1")])
    program = (
        "import sys, time\n"
        "from bot.state.database import Database\n"
        "from bot.state.lanes import Lanes\n"
        "lanes = Lanes(Database(sys.argv[1]), 'in', lease_seconds=1.0)\n"
        "print(len(lanes.claim(1)), flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    lanes = Lanes(database, "in")
    leases = lanes.claim(1)
    deadline = 100
    while not leases and deadline:
        threading.Event().wait(0.05)
        leases = lanes.claim(1)
        deadline -= 1
    assert [lease.attempt for lease in leases] == [2]


def test_a_channels_pace_is_kept_over_all_servers(database: Database, clock: Clock) -> None:
    for n in range(12):
        put(database, clock, f"c{n}", n, "hello")
    servers = [outgoing(database, clock, slack=5.0) for _ in range(3)]
    sent = []
    for _ in range(200):
        for lanes in servers:
            sent += [(clock.now, lease) for lease in lanes.claim(4)]
        clock.now += 0.05
    assert len(sent) == 12
    begun = sent[0][0]
    for second in range(3):
        within = [at for at, _ in sent if second <= at - begun < second + 1]
        assert len(within) <= 5 + (5 if second == 0 else 1)


def test_a_new_message_does_not_shorten_the_wait_that_a_platform_asked_for(
    database: Database, outbox: Outbox, clock: Clock
) -> None:
    put(database, clock, "c", 1, "one")
    lanes = outgoing(database, clock)
    outbox.retry(lanes, lanes.claim(1)[0], 60, "asked to wait")
    put(database, clock, "c", 2, "two")
    clock.now += 59
    assert lanes.claim(1) == []
    clock.now += 2
    (lease,) = lanes.claim(1)
    first = outbox.outgoing(lease)
    assert first is not None
    assert first.request["body"] == "one"


def test_what_is_delivered_is_forgotten(database: Database, outbox: Outbox, clock: Clock) -> None:
    put(database, clock, "c", 1, "one", "two")
    lanes = outgoing(database, clock)
    outbox.sent(lanes, lanes.claim(1)[0], pause=1.0)
    assert lanes.claim(1) == []
    clock.now += 1.1
    (lease,) = lanes.claim(1)
    second = outbox.outgoing(lease)
    assert second is not None
    assert second.request["body"] == "two"
    with database.transaction() as db:
        assert db.scalars(sa.select(OUTBOX.c.request).order_by(OUTBOX.c.number)).first() is None


def test_a_dead_letter_takes_the_rest_of_its_answer_along_and_no_other(
    database: Database, outbox: Outbox, clock: Clock
) -> None:
    put(database, clock, "c", 1, "one", "one, continued")
    put(database, clock, "c", 2, "two")
    lanes = outgoing(database, clock)
    assert outbox.dead(lanes, lanes.claim(1)[0], "HTTP 400") == 2
    (lease,) = lanes.claim(1)
    next_one = outbox.outgoing(lease)
    assert next_one is not None
    assert next_one.request["body"] == "two"
    outbox.sent(lanes, lease, 0.0)
    letters = outbox.letters()
    assert [letter.error for letter in letters] == ["HTTP 400", "an earlier part failed"]
    assert outbox.counts() == {("out", "slack", "dead"): 2}
    assert outbox.replay(letters) == 2
    bodies = []
    for _ in range(2):
        (lease,) = lanes.claim(1)
        assert lease.attempt == 1
        found = outbox.outgoing(lease)
        assert found is not None
        bodies.append(found.request["body"])
        outbox.sent(lanes, lease, 0.0)
    assert bodies == ["one", "one, continued"]
    assert outbox.replay(letters) == 0


@pytest.mark.parametrize(
    ("address", "headers", "says"),
    [
        ("https://[fe80::1%ü]/", {}, "the address is not one of http or https"),
        ("https://a..b.example/", {}, "the address is not one of http or https"),
        ("https://localhost/", {"X-Key": "ü"}, "an address or header with letters that HTTP lacks"),
    ],
)
def test_a_request_that_can_not_be_put_in_http_is_a_dead_letter_at_once(
    database: Database,
    outbox: Outbox,
    clock: Clock,
    address: str,
    headers: dict[str, str],
    says: str,
) -> None:
    lanes, egress = outgoing(database, clock), Egress()
    tokens, channels = AccessTokens(egress), load_channels(SLACK)
    courier = Courier(outbox, lanes, channels, egress, tokens, Metrics(), Backoff(), clock=clock)
    request = OutgoingRequest("POST", address, b"{}", headers)
    with database.transaction(write=True) as db:
        touch(db, "out", "c", "slack", clock())
        add_requests(db, "slack", "c", 1, [request.to_json()], clock())
    courier.work(lanes.claim(1)[0])
    assert [letter.error for letter in outbox.letters()] == [says]
    egress.close()


def test_a_dropped_letter_is_gone_and_its_event_stays_known(
    database: Database, inbox: Inbox, outbox: Outbox, clock: Clock
) -> None:
    inbox.accept([event("1")])
    lanes = incoming(database, clock)
    (lease,) = lanes.claim(1)
    with database.transaction(write=True) as db:
        inbox.dead(db, lease.number, "RuntimeError")
        lanes.release(db, lease)
    (letter,) = outbox.letters()
    assert (letter.id, letter.error) == ("in-1", "RuntimeError")
    assert outbox.drop([letter]) == 1
    assert outbox.letters() == []
    assert inbox.accept([event("1")]) == 0


def test_events_are_known_for_a_week_and_texts_go_at_their_time(
    database: Database, inbox: Inbox, outbox: Outbox, clock: Clock
) -> None:
    inbox.accept([event("1")])
    lanes = incoming(database, clock)
    (lease,) = lanes.claim(1)
    with database.transaction(write=True) as db:
        inbox.dead(db, lease.number, "RuntimeError")
        lanes.release(db, lease)
    put(database, clock, "c", 1, "one")
    out = outgoing(database, clock)
    outbox.dead(out, out.claim(1)[0], "HTTP 400")
    clock.now += 2 * DAY
    inbox.expire(days=1)
    outbox.expire(days=1, minutes=60)
    with database.transaction() as db:
        assert db.scalar(sa.select(INBOX.c.message)) is None
        assert db.scalar(sa.select(sa.func.count()).select_from(OUTBOX)) == 0
    clock.now += 5 * DAY
    inbox.expire(days=1)
    assert inbox.accept([event("1")]) == 0  # after seven days
    assert lanes.claim(1) == []
    clock.now += (REMEMBERED_DAYS - 6) * DAY
    inbox.expire(days=1)
    with database.transaction() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(INBOX)) == 0
        assert db.scalar(sa.select(sa.func.count()).select_from(LANES)) == 0


def test_forgetting_a_conversation_deletes_its_texts_and_leaves_others(
    database: Database, inbox: Inbox, outbox: Outbox, clock: Clock
) -> None:
    put(database, clock, "c", 1, "one")
    put(database, clock, "d", 2, "other")
    inbox.accept([event("1")])
    with database.transaction(write=True) as db:
        forget(db, "c")
    with database.transaction() as db:
        assert db.scalars(sa.select(OUTBOX.c.conversation)).all() == ["d"]
        assert db.scalar(sa.select(INBOX.c.message)) is not None  # it still waits


def test_an_action_goes_out_without_an_answer(
    database: Database, inbox: Inbox, clock: Clock
) -> None:
    join = Event("matrix", "1", "c", requests=[{"method": "POST", "body": "{}"}])
    assert inbox.accept([join, join]) == 1
    assert incoming(database, clock).claim(1) == []
    assert len(outgoing(database, clock).claim(1)) == 1
