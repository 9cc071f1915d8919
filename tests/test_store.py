"""The store keeps what it may, no longer than it may, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from clock import Clock

from bot.errors import SettingsError
from bot.state.database import SCHEMA_VERSION
from bot.state.figures import ReplyCount, VerdictCount, reply_counts, verdict_counts
from bot.state.store import Keeping, Store, StoreError
from bot.state.unanswered import mark, unanswered
from bot.types import Turn

ROOT = Path(__file__).resolve().parent.parent
FIRST, SECOND = date(2027, 1, 15), date(2027, 1, 16)  # of the clock


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    store = Store(url, Keeping(turns=3), clock)
    yield store
    store.close()


def turn(name: str, asked: str = "is it fatal?", kind: str = "answer") -> Turn:
    return Turn(name, asked, f"{asked} (MS)", kind, ("pair1",), ("And ALS?",))


def reply(name: str, reason: str | None = None) -> dict[str, object]:
    return {"turn_id": name, "text": "a “quote”\u00a0…", "cause": reason, "confidence": 0.25}


def test_sites_at_one_address_share_nothing(url: str, store: Store, clock: Clock) -> None:
    store.add_turn("c", turn("t", kind="decline"), reply("t"))
    for _ in range(2):  # the second time all is there already
        other = Store(url, Keeping(), clock, site="my-shop")
        assert other.conversation("c") is None
        assert other.questions() == ()
        assert not other.add_feedback("t", helpful=False)
        assert not other.delete_conversation("c")
        other.add_turn("d", turn("u", kind="decline"), reply("u"))
        assert other.delete_conversation("d")
        other.close()
    assert store.conversation("d") is None
    assert len(store.questions()) == 1


def test_a_conversation_comes_back_with_its_last_turns_in_order(store: Store) -> None:
    assert store.conversation("c") is None
    for number in range(5):
        store.add_turn("c", turn(f"t{number}"), reply(f"t{number}"))
    store.add_turn("other", turn("x"), reply("x"))
    conversation = store.conversation("c")
    assert conversation is not None
    assert conversation.turns == tuple(turn(f"t{number}") for number in (2, 3, 4))


def test_a_conversation_ends_after_its_minutes_without_a_turn(store: Store, clock: Clock) -> None:
    store.add_turn("c", turn("t"), reply("t"))
    clock.now += 60 * 60
    assert store.conversation("c") is not None
    store.add_turn("c", turn("u"), reply("u"))
    clock.now += 60 * 60 + 1
    assert store.conversation("c") is None


def test_a_client_id_is_answered_once(store: Store) -> None:
    first = store.add_turn("c", turn("t"), reply("t"), "m1")
    again = store.add_turn("c", turn("u"), reply("u"), "m1")
    assert first == again == store.earlier_reply("c", "m1") == reply("t")
    assert store.earlier_reply("c", "m2") is None
    assert store.earlier_reply("d", "m1") is None
    conversation = store.conversation("c")
    assert conversation is not None
    assert [t.turn_id for t in conversation.turns] == ["t"]
    store.add_turn("d", turn("v"), reply("v"), "m1")  # another conversation's message
    assert store.earlier_reply("d", "m1") == reply("v")


def test_only_unanswered_questions_are_kept_for_review(store: Store, clock: Clock) -> None:
    for kind in ("answer", "smalltalk", "safety", "decline", "clarify"):
        store.add_turn("c", turn(kind, f"{kind}? mail a@b.org", kind), reply(kind, "not_covered"))
        clock.now += 1
    kept = store.questions()
    assert [(q.kind, q.question) for q in kept] == [
        ("clarify", "clarify? mail [email]"),
        ("decline", "decline? mail [email]"),
    ]
    assert kept[1].reason == "not_covered"
    assert kept[1].confidence == 0.25


@pytest.mark.parametrize(
    ("mode", "kept"), [("off", []), ("redacted", ["call [number]"]), ("full", ["call 0170 123456"])]
)
def test_review_keeps_questions_off_redacted_or_full(url: str, mode: str, kept: list[str]) -> None:
    store = Store(url, Keeping(questions=mode))  # type: ignore[arg-type]
    store.add_turn("c", turn("t", "call 0170 123456", "decline"), reply("t"))
    assert [q.question for q in store.questions()] == kept
    assert store.add_feedback("t", False, "call 0170 123456")
    assert [f.comment for f in store.feedback()] == (kept or [None])
    assert [f.question for f in store.feedback()] == (kept or [None])
    store.close()


def test_feedback_belongs_to_a_known_turn_and_the_last_verdict_stands(store: Store) -> None:
    assert not store.add_feedback("t", True)
    store.add_turn("c", turn("t"), reply("t"))
    assert store.add_feedback("t", False, "wrong disease, a@b.org")
    assert store.add_feedback("t", True)
    (verdict,) = store.feedback()
    assert verdict.helpful
    assert verdict.comment is None
    assert verdict.question is None, "the question is kept only where the reply did not help"


def test_a_safety_question_is_never_kept(store: Store) -> None:
    store.add_turn("c", turn("t", "my arm is numb", "safety"), reply("t"))
    store.add_feedback("t", False)
    assert store.feedback()[0].question is None
    assert store.questions() == ()


def test_deleting_a_conversation_leaves_nothing_of_it(store: Store) -> None:
    for name in ("c", "d"):
        store.add_turn(name, turn(name, kind="decline"), reply(name), "m")
        store.add_feedback(name, False)
    assert store.delete_conversation("c")
    assert not store.delete_conversation("c")
    assert store.conversation("c") is None
    assert store.earlier_reply("c", "m") is None
    assert len(store.questions()) == len(store.feedback()) == 1
    assert store.conversation("d") is not None


def test_what_is_deleted_is_overwritten_in_the_file(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/q.db")
    store.add_turn("c", turn("t", "zebrafinch question"), reply("t"))
    store.delete_conversation("c")
    store.close()
    assert all(b"zebrafinch" not in file.read_bytes() for file in tmp_path.iterdir())


def test_expire_deletes_by_age(store: Store, clock: Clock) -> None:
    store.add_turn("c", turn("t", kind="decline"), reply("t"))
    store.add_feedback("t", True)
    assert store.expire() == 0
    clock.now += 3601
    assert store.expire() == 2  # the conversation and its turn
    assert len(store.questions()) == len(store.feedback()) == 1
    clock.now += 30 * 86400
    store.add_turn("new", turn("n", kind="decline"), reply("n"))
    assert store.expire() == 2
    assert len(store.questions()) == 1


def test_hostile_text_is_stored_and_read_back(store: Store) -> None:
    asked = "\0 ' ; DROP TABLE turns -- \ud800 \U0001f480 \u202e"
    store.add_turn("c", turn("t", asked, "decline"), reply("t"))
    conversation = store.conversation("c")
    assert conversation is not None
    assert conversation.turns[0].asked == asked
    assert "DROP TABLE" in store.questions()[0].question


def test_a_reopened_database_has_everything(url: str) -> None:
    for _ in range(2):
        store = Store(url)
        known = store.conversation("c")
        store.add_turn("c", turn("t"), reply("t"))
        store.check()
        store.close()
    assert known is not None


def test_threads_lose_no_turn(url: str) -> None:
    store = Store(url, Keeping(turns=1000))
    barrier = threading.Barrier(8)

    def work(worker: int) -> None:
        barrier.wait()
        for number in range(10):
            store.add_turn("c", turn(f"{worker}-{number}"), reply("r"), f"{worker}-{number}")
            store.conversation("c")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    conversation = store.conversation("c")
    assert conversation is not None
    assert len({t.turn_id for t in conversation.turns}) == 80
    for worker in range(8):  # each writer's turns stand in the order it wrote them
        own = [t.turn_id for t in conversation.turns if t.turn_id.startswith(f"{worker}-")]
        assert own == [f"{worker}-{number}" for number in range(10)]
    store.close()


def test_the_same_message_sent_at_once_is_answered_once(url: str) -> None:
    store = Store(url)
    barrier = threading.Barrier(8)

    def send(worker: int) -> object:
        barrier.wait()
        return store.add_turn("c", turn(f"t{worker}"), reply(f"t{worker}"), "m")["turn_id"]

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(send, range(8)))) == 1
    store.close()


WRITER = """
import sys
from bot.state.store import Keeping, Store
from bot.types import Turn
store = Store(sys.argv[1], Keeping(turns=1000))
print("open", flush=True)
sys.stdin.readline()
for number in range(30):
    name = f"{sys.argv[2]}-{number}"
    store.add_turn("c", Turn(name, "q", "q", "answer"), {"turn_id": name}, name)
print("done", flush=True)
sys.stdin.readline()
"""


def writer(url: str, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, url, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_two_processes_share_a_new_database(url: str) -> None:
    processes = [writer(url, name) for name in "ab"]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate("\n", timeout=60)
        assert process.returncode == 0
    store = Store(url, Keeping(turns=1000))
    conversation = store.conversation("c")
    assert conversation is not None
    assert len(conversation.turns) == 60
    store.close()


def test_a_killed_process_loses_no_turn_it_finished(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/q.db"
    process = writer(url, "a")
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"
        process.kill()
    store = Store(url, Keeping(turns=1000))
    conversation = store.conversation("c")
    assert conversation is not None
    assert len(conversation.turns) == 30
    store.close()


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "q.db"
    Store(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as db:
        db.execute("UPDATE schema_version SET version = ?", (SCHEMA_VERSION + 1,))
    db.close()
    with pytest.raises(SettingsError, match=r"newer Quoth .* Upgrade Quoth"):
        Store(f"sqlite:///{file}")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "is not a database URL"),
        ("mysql://h/d", "names 'mysql'"),
        ("postgresql://u:geheim@h:port/d", "is not a database URL"),
        ("sqlite://", "must name a file"),
        ("sqlite:////proc/nowhere/q.db", "can't be made"),
        ("postgresql://u:geheim@127.0.0.1:1/d", "can't be used"),
    ],
)
def test_a_database_that_cannot_be_opened_is_named_with_a_remedy(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        Store(url)
    assert "QUOTH_DATABASE_URL" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q.db").write_text("not a database" * 100)
    with pytest.raises(SettingsError, match="not a database"):
        Store(f"sqlite:///{tmp_path}/q.db")


def test_a_failing_database_says_nothing_of_the_question(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/q.db")
    with sqlite3.connect(tmp_path / "q.db") as db:
        db.execute("DROP TABLE turns")
    db.close()
    with pytest.raises(StoreError) as caught:
        store.add_turn("c", turn("t", "a private question"), reply("t"))
    assert "private" not in str(caught.value)
    assert caught.value.__suppress_context__
    store.close()


def test_a_turn_with_unknown_fields_is_still_read(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/q.db")
    store.add_turn("c", turn("t"), reply("t"))
    with sqlite3.connect(tmp_path / "q.db") as db:
        (row,) = db.execute("SELECT turn FROM turns").fetchone()
        db.execute("UPDATE turns SET turn = ?", (json.dumps({**json.loads(row), "mood": 1}),))
    db.close()
    conversation = store.conversation("c")
    assert conversation is not None
    assert conversation.turns == (turn("t"),)
    store.close()


def test_replies_are_counted_by_day_kind_reason_and_confidence(
    store: Store,
    clock: Clock,
) -> None:
    store.add_turn("c", turn("a"), reply("a"))
    store.add_turn("c", turn("b"), reply("b"), "m")
    store.add_turn("c", turn("b"), reply("b"), "m")  # sent again: the same one
    store.add_turn("d", turn("e", kind="decline"), reply("e", "off_topic") | {"confidence": 1.0})
    clock.now += 86400
    store.add_turn("c", turn("f"), reply("f"))
    found = reply_counts(store.database, FIRST, SECOND)
    assert found == (
        ReplyCount(FIRST, "answer", "", 2, 2),
        ReplyCount(FIRST, "decline", "off_topic", 9, 1),
        ReplyCount(SECOND, "answer", "", 2, 1),
    )
    assert reply_counts(store.database, SECOND, SECOND) == found[2:]
    store.delete_conversation("d")
    assert reply_counts(store.database, FIRST, SECOND) == found  # nobody's
    clock.now += 30 * 86400
    store.expire()
    assert reply_counts(store.database, FIRST, SECOND) == found[2:]


def test_counts_are_kept_where_questions_are_not(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/q.db", Keeping(questions="off"), Clock())
    store.add_turn("c", turn("a", "a secret", "decline"), reply("a", "not_covered"))
    assert [c.count for c in reply_counts(store.database, FIRST, FIRST)] == [1]
    assert unanswered(store.database) == ()
    store.close()


def test_verdicts_are_counted_by_day(store: Store, clock: Clock) -> None:
    for name in "abc":
        store.add_turn(name, turn(name), reply(name))
    store.add_feedback("a", True)
    store.add_feedback("b", False)
    clock.now += 86400
    store.add_feedback("c", False)
    assert verdict_counts(store.database, FIRST, SECOND) == (
        VerdictCount(FIRST, 1, 1),
        VerdictCount(SECOND, 0, 1),
    )


def test_what_was_handled_is_asked_about_no_more(store: Store) -> None:
    store.add_turn("c", turn("a", "is it dear?", "decline"), reply("a", "not_covered"))
    store.add_turn("c", turn("b", "what is it?"), reply("b"))
    store.add_feedback("b", False)
    store.add_feedback("a", False)  # declined already: one question, not two
    open_ones = unanswered(store.database)
    assert {(one.question, one.reason) for one in open_ones} == {
        ("is it dear?", "not_covered"),
        ("what is it?", "unhelpful"),
    }
    refs = [one.ref for one in open_ones]
    assert mark(store.database, [*refs, "q999", "f?", "q²", "q" + "9" * 30], "variant") == 2
    assert unanswered(store.database) == ()
    assert {one.handled for one in unanswered(store.database, handled=True)} == {"variant"}
    mark(store.database, [open_ones[0].ref], None)
    assert unanswered(store.database) == open_ones[:1]


def test_an_older_database_is_brought_up_to_date(tmp_path: Path) -> None:
    file = tmp_path / "q.db"
    Store(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as db:  # as version 2 left it
        db.execute("DROP TABLE reply_counts")
        for table in ("questions", "feedback"):
            db.execute(f"ALTER TABLE {table} DROP COLUMN handled")
        db.execute("UPDATE schema_version SET version = 2")
    db.close()
    store = Store(f"sqlite:///{file}")
    store.add_turn("c", turn("a", "is it dear?", "decline"), reply("a", "not_covered"))
    assert len(unanswered(store.database)) == 1
    store.close()
    Store(f"sqlite:///{file}").close()
