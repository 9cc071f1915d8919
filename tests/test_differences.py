"""The publish gate: what an edit changes for those who ask, told, counted and held to a limit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from shops import FACTS, make_shop

from bot.__main__ import main
from bot.bot import Bot, Engine
from bot.evaluation.differences import Comparison, Held, compare
from bot.settings import Settings
from bot.state.store import Keeping, Store
from bot.types import Turn

OPEN, WARRANTY, REPAIR, COST = FACTS
EDITED = {
    OPEN: "The shop is open from ten to six, also on Saturdays.",  # another answer
    "What is the warranty period?": FACTS[WARRANTY],  # another question to the same
    COST: FACTS[COST],
    "Where do I park my car?": "Cars are parked behind the church.",  # new; a pair is gone too
}


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Engine:
    return Engine(settings)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("versions")
    old = make_shop(folder / "old", variants={OPEN: ["opening hours"]})
    new = make_shop(folder / "new", EDITED, variants={OPEN: ["opening hours", "when do you shut?"]})
    return old, new


@pytest.fixture(scope="module")
def found(folders: tuple[Path, Path], settings: Settings, engine: Engine) -> Comparison:
    old, new = (
        Bot.load(settings.model_copy(update={"knowledge": folder}), engine=engine)
        for folder in folders
    )
    talk = Held((OPEN, "and how much is a repair?", "hello"), "exam")
    return compare(old, new, [talk, Held(("hello",), "exam")])


@pytest.fixture
def environment(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/quoth.db"
    monkeypatch.setenv("QUOTH_CACHE_DIR", str(settings.cache_dir))
    monkeypatch.setenv("QUOTH_DATABASE_URL", url)
    return url


def test_every_question_is_asked_of_both_once_and_counted_by_its_source(found: Comparison) -> None:
    assert found.asked == {"exam": 4, "wordings": 5}  # "opening hours" and four questions
    assert found.new == 3
    assert found.lost == ()


def test_an_answer_that_changes_ends_or_begins_is_told_with_both_replies(found: Comparison) -> None:
    changed = {d.question: d for d in found.of("changed")}
    assert {OPEN, "opening hours"} == set(changed)
    hours = changed["opening hours"]
    assert hours.before.quotes == (FACTS[OPEN],)
    assert hours.after.quotes == (EDITED[OPEN],)
    assert hours.after.pair == OPEN
    assert [d.question for d in found.of("stopped")] == [REPAIR]
    assert found.of("started") == ()
    # Once in the conversation, once as its own wording, besides the other wording and the repair.
    assert found.share == 4 / 9


def test_pairs_added_removed_and_edited_are_named(found: Comparison) -> None:
    assert found.added == ("Where do I park my car?",)
    assert found.removed == (REPAIR,)
    assert {e.question: e.parts for e in found.edited} == {
        OPEN: ("answer", "wordings"),
        "What is the warranty period?": ("question",),
    }


def test_the_same_version_differs_in_nothing(
    folders: tuple[Path, Path], settings: Settings, engine: Engine
) -> None:
    bot = Bot.load(settings.model_copy(update={"knowledge": folders[0]}), engine=engine)
    found = compare(bot, bot)
    assert (found.differences, found.share, found.edited) == ((), 0.0, ())


@pytest.mark.parametrize(("limit", "code"), [(None, 0), ("0.9", 0), ("0.05", 1)])
def test_the_command_shows_it_and_holds_it_to_a_limit(
    folders: tuple[Path, Path],
    environment: str,
    capsys: pytest.CaptureFixture[str],
    limit: str | None,
    code: int,
) -> None:
    told = [] if limit is None else ["--max-changed", limit]
    assert main(["diff", *map(str, folders), *told]) == code
    out = capsys.readouterr().out
    assert out.startswith("5 questions asked of both: wordings 5\n\nanswered otherwise: 2 ")
    assert f"    before  “{FACTS[OPEN]}” ({OPEN})\n    after   “{EDITED[OPEN]}” ({OPEN})" in out
    assert f"no longer answered: 1 question\n\n  {REPAIR}  [wordings]" in out
    assert "3 new wordings, 3 with the answer of their own pair" in out
    assert "pairs: 1 added, 1 removed, 2 edited\n  + Where do I park my car?" in out
    assert ("over the limit of 5.00%" in out) == bool(code)


def test_questions_of_files_and_of_visitors_are_asked_too(
    folders: tuple[Path, Path],
    environment: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('hello\n\n{"turns": [{"q": "hi"}, {"q": "can I park my car?"}]}\n', "utf-8")
    store = Store(environment, Keeping())
    store.add_turn("c", Turn("t", "where can I park a car?", "", "decline"), {"confidence": 0.1})
    store.close()
    given = ["--questions", str(file), "--logged", "--json"]
    assert main(["diff", *map(str, folders), *given]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["asked"] == {"mine.jsonl": 3, "logged": 1, "wordings": 5}
    started = {d["question"]: d for d in told["differences"] if d["change"] == "started"}
    assert started.keys() == {"can I park my car?", "where can I park a car?"}
    assert started["where can I park a car?"]["source"] == "logged"
    assert told["share"] == 5 / 9
    assert told["over"] is False
    assert told["stale_operating_point"] == {"old": None, "new": None}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["OLD", "nowhere:at-all"], "nowhere:at-all is neither a folder nor REV:PATH"),
        (["OLD", "OLD", "--questions", "none.txt"], "none.txt can't be read"),
    ],
)
def test_what_cant_be_compared_is_wrong_usage(
    folders: tuple[Path, Path],
    environment: str,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    assert main(["diff", *(a.replace("OLD", str(folders[0])) for a in arguments)]) == 2
    assert says in capsys.readouterr().err


def test_a_version_may_be_a_revision(
    environment: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_shop(tmp_path / "site" / "shop")
    monkeypatch.chdir(tmp_path)
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], check=True, cwd=tmp_path)
    make_shop(tmp_path / "site" / "shop", EDITED)
    assert main(["diff", "HEAD:site/shop", "site/shop/", "--max-changed", "0"]) == 1
    assert "pairs: 1 added, 1 removed, 2 edited" in capsys.readouterr().out
