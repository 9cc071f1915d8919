"""The conversation in a terminal, in a real pseudo-terminal and from a pipe."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest
from tiny_bot import NOTE, PAIRS, TEXT, TinyBot

from bot.channels.terminal import Session, chat, history_file, open_history
from bot.printing import PlainScreen

DRIVER = Path(__file__).with_name("tiny_bot.py")
ROOT = DRIVER.parents[1]
CTRL_C, CTRL_D, TAB, UP = "\x03", "\x04", "\t", "\x1b[A"
READY = "> ?(?:\x1b|$)"  # the prompt
Start = Callable[..., "pexpect.spawn[str]"]


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM", "COLUMNS")}
    return {
        **kept,
        "TERM": "xterm-256color",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "PYTHONPATH": str(ROOT),
        **more,
    }


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[pexpect.spawn[str]] = []

    def spawn(**more: str) -> pexpect.spawn[str]:
        child = pexpect.spawn(
            sys.executable,
            [str(DRIVER)],
            env=environment(**more),
            encoding="utf-8",
            timeout=20,
            dimensions=(40, 100),
        )
        child.delaybeforesend = 0.1
        running.append(child)
        child.expect("Tiny")
        child.expect(READY)
        return child

    yield spawn
    for child in running:
        child.close(force=True)


def ends(child: pexpect.spawn[str]) -> int | None:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def seen(child: pexpect.spawn[str]) -> str:
    """What was printed up to the last match, without styles."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", (child.before or "") + (child.after or ""))


def test_a_question_is_answered_with_quote_passage_source_and_disclaimer(start: Start) -> None:
    child = start()
    child.send("Is MS fatal?\r")
    child.expect(NOTE)
    shown = seen(child)
    assert "MS is not a fatal disease." in shown
    assert "Multiple sclerosis is called MS." in shown  # the passage
    assert "characters 47–73" in shown
    assert "\x1b[31m" not in child.before  # a document can't colour the terminal
    child.send(CTRL_D)
    assert ends(child) == 0


def test_ctrl_c_clears_the_line_and_ctrl_d_quits(start: Start) -> None:
    child = start()
    child.send("Is ALS ")
    child.send(CTRL_C)
    child.expect(READY)
    child.send("Is MS fatal?\r")
    child.expect("MS is not a fatal disease.")
    child.expect(NOTE)
    child.send(CTRL_D)
    assert ends(child) == 0


def test_tab_completes_a_question(start: Start) -> None:
    child = start()
    child.send("How m")
    child.expect("How many people have MS")  # offered while typing
    child.send(TAB + "\r")
    child.expect("400,000")
    child.expect(READY)
    child.send("/qu")
    child.expect("/quit")
    child.send(TAB + "\r")
    assert ends(child) == 0


def test_a_declined_question_offers_numbers_that_can_be_picked(start: Start) -> None:
    child = start()
    child.send("How many in Canada?\r")
    child.expect("Not covered: Canada")
    child.expect("2. Is MS fatal")
    child.send("2\r")
    child.expect("MS is not a fatal disease.")
    child.send("/quit\r")
    assert ends(child) == 0


def test_source_marks_the_quote_and_why_shows_the_runner_up(start: Start) -> None:
    child = start()
    child.send("Is MS fatal?\r")
    child.expect(NOTE)
    child.send("/source\r")
    child.expect(r"\x1b\[7mMS is not a fatal disease\.\x1b\[0m")  # reversed
    child.expect("characters 47–73")
    child.send("/why\r")
    child.expect("runner-up")
    child.expect("signals wording")
    child.expect("0.9000")
    child.expect("0.2500")
    child.send("/nonsense\r")
    child.expect("There is no command /nonsense")
    child.send("/help\r")
    child.expect("leave")
    child.send(CTRL_D)
    assert ends(child) == 0


def test_history_is_kept_for_its_owner_only_and_comes_back(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "state" / "history"
    child = start(TINY_HISTORY=str(file))
    child.send("Is ALS fatal?\r")
    child.expect(NOTE)
    child.send(CTRL_D)
    assert ends(child) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = start(TINY_HISTORY=str(file))
    again.send(UP)
    again.expect("Is ALS fatal")
    again.send("\r")
    again.expect(NOTE)
    again.send(CTRL_D)
    assert ends(again) == 0


def test_a_history_that_cant_be_written_is_said_and_costs_nothing(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    child = pexpect.spawn(
        sys.executable,
        [str(DRIVER)],
        env=environment(TINY_HISTORY=str(tmp_path / "file" / "history")),
        encoding="utf-8",
        timeout=20,
    )
    child.expect("no history is kept")
    child.send("Is ALS fatal?\r")
    child.expect(NOTE)
    child.send(CTRL_D)
    assert ends(child) == 0


@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_no_colour_is_printed_where_none_is_wanted(start: Start, plain: dict[str, str]) -> None:
    child = start(**plain)
    child.send("Is MS fatal?\r")
    child.expect(NOTE)
    assert not re.search(r"\x1b\[[0-9;]*[1-9][0-9;]*m", child.before or "")
    if "TERM" in plain:
        assert "\x1b" not in (child.before or "")
    child.send(CTRL_C)
    child.expect(READY)
    child.send(CTRL_D)
    assert ends(child) == 0


def test_piped_questions_are_answered_plainly_in_one_conversation() -> None:
    done = subprocess.run(
        [sys.executable, str(DRIVER)],
        input="Is MS fatal?\nand ALS?\n\ncrash\n/source\n/quit\nIs MS fatal?\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(),
        timeout=60,
    )
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "(Is ALS fatal?)\nALS is fatal.\n" in done.stdout  # how the follow-up was understood
    assert "»ALS is fatal.«" in done.stdout
    assert done.stdout.count("MS is not a fatal disease.\n\n") == 1  # nothing after /quit
    assert done.stderr.strip().endswith("RuntimeError: a defect")


def test_prompt_toolkit_and_rich_are_not_imported_from_a_pipe() -> None:
    code = (
        "import io, sys; sys.path.insert(0, 'tests'); from tiny_bot import TinyBot, chat\n"
        "chat(TinyBot(), stdin=io.StringIO('Is MS fatal?'), stdout=io.StringIO(), environ={},"
        " welcome='')\n"
        "print({'rich', 'prompt_toolkit', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), cwd=ROOT
    )
    assert done.stdout.strip() == "set()", done.stderr


def session() -> tuple[Session, io.StringIO]:
    out = io.StringIO()
    return Session(TinyBot(), PlainScreen(out)), out


def test_commands_before_the_first_question_say_that_there_is_nothing_yet() -> None:
    one, out = session()
    assert one.take("/source")
    assert one.take("/why")
    assert one.take("/new")
    assert one.take("   ")
    assert not one.take("/q")
    assert out.getvalue().splitlines() == [
        "Nothing was quoted yet.",
        "Nothing was asked yet.",
        "A new conversation.",
    ]


def test_a_question_that_cant_be_taken_is_said_and_the_conversation_goes_on() -> None:
    one, out = session()
    one.take("x" * 2001)
    one.take("Is ALS fatal?")
    assert "longer than 2,000" in out.getvalue()
    assert "ALS is fatal." in out.getvalue()


def test_new_forgets_the_conversation() -> None:
    one, out = session()
    one.take("Is MS fatal?")
    one.take("/new")
    one.take("and ALS?")
    assert out.getvalue().rstrip().endswith("3. How many people have MS?")


def test_why_with_a_file_saves_the_receipt_for_its_owner_only(tmp_path: Path) -> None:
    one, out = session()
    one.take("Is MS fatal?")
    one.take(f"/why {tmp_path / 'receipt.json'}")
    one.take(f"/why {tmp_path / 'nowhere' / 'receipt.json'}")
    saved = tmp_path / "receipt.json"
    assert json.loads(saved.read_text())["best"]["answer"] == PAIRS["Is MS fatal?"]
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert "can't be written: No such file" in out.getvalue()


def test_the_source_stays_with_the_last_answer() -> None:
    one, out = session()
    one.take("Is ALS fatal?")
    one.take("something else")
    one.take("/source")
    at = TEXT.index("ALS is")
    assert f"characters {at}–{at + 13}" in out.getvalue().splitlines()[-1]


def test_an_older_history_is_narrowed_to_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "history"
    file.write_text("old\n")
    file.chmod(0o644)
    open_history(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == "old\n"


def test_history_can_be_switched_off() -> None:
    assert history_file({"QUOTH_HISTORY": "off"}) is None
    assert history_file({}) is not None


def test_chat_gives_zero_at_the_end_of_a_pipe() -> None:
    code = chat(TinyBot(), stdin=io.StringIO(""), stdout=io.StringIO(), environ={}, welcome="Hello")
    assert code == 0
