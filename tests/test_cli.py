"""The command line as a person meets it: exit codes, one-line errors, help, streams."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from bot.__main__ import build_parser, main
from bot.knowledge.knowledge import load_knowledge

ROOT = Path(__file__).parents[1]
ARTICLE = ROOT / "knowledge"
HEAVY = "numpy onnxruntime torch transformers sklearn fastapi sqlalchemy rich prompt_toolkit"


@pytest.fixture(scope="module")
def environment(cache_folder: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("QUOTH_")}
    return {**kept, "QUOTH_CACHE_DIR": str(cache_folder), "PYTHONPATH": str(ROOT)}


def quoth(
    environment: dict[str, str], *arguments: str | Path, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=environment,
        cwd=ROOT,
        timeout=300,
    )


def test_no_arguments_print_the_help_and_are_wrong_usage(environment: dict[str, str]) -> None:
    done = quoth(environment)
    assert done.returncode == 2
    assert b"first steps:" in done.stderr
    assert done.stdout == b""


def test_help_imports_nothing_heavy(environment: dict[str, str]) -> None:
    code = (
        "import sys\nfrom bot.__main__ import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit: pass\n"
        f"print('loaded', {{*{HEAVY.split()!r}}} & {{*sys.modules}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert done.stdout.decode().splitlines()[-1] == "loaded set()"


def test_every_command_has_a_help_that_teaches_and_takes_knowledge(
    capsys: pytest.CaptureFixture[str],
) -> None:
    commands = build_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    for name in commands:
        with pytest.raises(SystemExit) as stopped:
            main([name, "--help"])
        shown = capsys.readouterr().out
        assert stopped.value.code == 0
        assert "--knowledge DIR" in shown
        assert len(shown) > 400
        assert max(map(len, shown.splitlines())) <= 100


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert re.match(r"quoth (\d+\.\d+|\(not installed\))", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ask"], "what is the question?"),
        (["ask", "one", "--batch", "-"], "--batch takes its questions from the file"),
        (["ask", "--batch", "nowhere.jsonl"], "nowhere.jsonl can't be read: No such file"),
        (["draw", "a.txt", "--out", str(ROOT / "tests")], "is there already"),
        (["replay", "nowhere.json"], "nowhere.json is not a receipt"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("quoth: ")
    assert err.count("\n") == 1
    assert says in err


def test_what_argparse_refuses_has_exit_code_2() -> None:
    for arguments in (["nonsense"], ["calibrate", "--max-wrong", "2"], ["evaluate"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2


def test_an_answer_is_printed_with_quote_source_and_disclaimer(environment: dict[str, str]) -> None:
    done = quoth(environment, "ask", "How many people in the U.S. have ALS?")
    shown = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "20,000 people" in shown.replace("\u00a0", " ")
    assert "characters" in shown
    assert "\x1b" not in shown


def test_json_is_the_reply_contract_and_quotes_the_document(environment: dict[str, str]) -> None:
    done = quoth(environment, "ask", "--json", "is ms fatal")
    reply = json.loads(done.stdout)
    text = (ARTICLE / "documents" / "ms-vs-als.txt").read_text(encoding="utf-8")
    assert done.returncode == 0
    assert reply["kind"] == "answer"
    (cited,) = reply["citations"]
    assert text[cited["start"] : cited["end"]] == cited["quote"]
    assert cited["quote"] in cited["passage"]
    assert reply["disclaimer"] in text


def test_a_question_that_is_not_answered_has_exit_code_3(environment: dict[str, str]) -> None:
    done = quoth(environment, "ask", "What is the capital of France?")
    assert done.returncode == 3
    assert done.stdout


def test_a_question_that_cant_be_taken_is_an_error(environment: dict[str, str]) -> None:
    done = quoth(environment, "ask", "--json", "x" * 2001)
    assert done.returncode == 1
    assert json.loads(done.stdout)["reason"] == "error"
    assert done.stderr.count(b"\n") == 1
    assert b"Traceback" not in done.stderr


def test_a_batch_from_a_pipe_has_one_reply_a_line(environment: dict[str, str]) -> None:
    rows = (
        b'{"q": "Is MS fatal?"}\nIs \xff?\n{"q": 1}\n\n{"turns": [{"q": "Is MS fatal?"}, '
        b'{"q": "and ALS?"}]}\nhello'
    )
    done = quoth(environment, "ask", "--batch", "-", "--json", stdin=rows)
    found = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert done.returncode == 0, done.stderr
    assert [(r["kind"], r["reason"]) for r in found] == [
        ("answer", None),
        ("decline", "error"),
        ("decline", "error"),
        ("decline", "error"),
        ("answer", None),
        ("answer", None),
        ("smalltalk", None),
    ]
    assert "ALS is a fatal disease" in found[5]["answer"]
    plain = quoth(environment, "ask", "--batch", "-", stdin=rows)
    assert len(plain.stdout.decode().splitlines()) == 7


def test_a_reader_that_leaves_is_no_error_to_talk_about(environment: dict[str, str]) -> None:
    command = f"{sys.executable} -m bot ask --batch - --json | head -n 1"
    rows = b"Is MS fatal?\n" * 50
    done = subprocess.run(
        command, shell=True, input=rows, capture_output=True, env=environment, cwd=ROOT
    )
    assert done.stderr == b""
    assert len(done.stdout.splitlines()) == 1


def test_a_knowledge_that_is_not_there_is_said_in_one_line(
    environment: dict[str, str], tmp_path: Path
) -> None:
    for command in (["ask", "a"], ["check"]):
        done = quoth(environment, *command, "--knowledge", tmp_path / "none")
        assert done.returncode == 1
        assert done.stderr.decode().startswith("quoth: ")
        assert done.stderr.count(b"\n") == 1
        assert b"none" in done.stderr


def test_a_defect_is_one_line_and_shows_its_place_on_demand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.commands import knowing

    def broken(_: object) -> int:
        raise RuntimeError("a\ndefect")

    monkeypatch.setattr(knowing, "check", broken)
    monkeypatch.delenv("QUOTH_DEBUG", raising=False)
    assert main(["check"]) == 1
    assert capsys.readouterr().err == "quoth: RuntimeError: a defect (QUOTH_DEBUG=1 shows where)\n"
    monkeypatch.setenv("QUOTH_DEBUG", "1")
    with pytest.raises(RuntimeError):
        main(["check"])


def test_ctrl_c_has_exit_code_130(monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.commands import knowing

    def stopped(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(knowing, "check", stopped)
    assert main(["check"]) == 130


def test_a_drawn_folder_answers_with_no_human_edit(
    environment: dict[str, str], tmp_path: Path
) -> None:
    source = tmp_path / "tower.md"
    source.write_text(
        "# The tower\n\nThe tower was built in 1889 by Gustave. It is 330 metres high.\n\n"
        "Visitors may climb it from nine to six. Dogs are not allowed inside.\n",
        encoding="utf-8",
    )
    (tmp_path / "twin").mkdir()
    twin = tmp_path / "twin" / "tower.md"
    twin.write_text("# Tickets\n\nA ticket costs nine euros.\n", encoding="utf-8")
    out = tmp_path / "out"
    drawn = quoth(environment, "draw", source, twin, "--out", out)
    assert drawn.returncode == 0, drawn.stderr
    assert b"2 documents" in drawn.stdout
    shown = next(pair for pair in load_knowledge(out).pairs if "1889" in pair.answer)
    done = quoth(environment, "ask", "--json", "--knowledge", out, shown.question)
    assert json.loads(done.stdout)["answer"] == shown.answer
    again = quoth(environment, "draw", source, "--out", out)
    assert again.returncode == 2
    assert b"--force" in again.stderr
    forced = quoth(environment, "draw", source, "--out", out, "--force", "--title", "A tower")
    assert forced.returncode == 0, forced.stderr
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("330", "332") + "\nThe lift is broken.\n", encoding="utf-8")
    gaps = "- topic: lift\n  questions:\n    - is there a cafe\n    - Is the lift broken?\n"
    (out / "out_of_scope.yaml").write_text(gaps, encoding="utf-8")
    updated = quoth(environment, "draw", source, "--out", out, "--update")
    assert updated.returncode == 0, updated.stderr
    assert b"kept, 2 added" in updated.stdout
    assert f"{out}/pairs.yaml:".encode() in updated.stderr
    told = f"{out}/out_of_scope.yaml:4: 'Is the lift broken?' may be answered now, by 'The lift is"
    assert told.encode() in updated.stderr
    assert b"1 known gap may be answered now" in updated.stdout
    assert (
        b'nearest there now: "The tower was built in 1889 by Gustave. It is 332' in updated.stderr
    )


def test_a_faq_is_taken_as_it_is_and_its_broken_rows_are_named(
    environment: dict[str, str], tmp_path: Path
) -> None:
    faq = tmp_path / "shop.jsonl"
    faq.write_bytes(
        b'{"question": "Do you ship abroad?", "answer": "We ship to all of Europe.", "group": 1}\n'
        b'{"question": "Can I get it sent to Spain?", "answer": "We ship to all of Europe.", '
        b'"group": 1}\n\xff\n{"question": 5}\n'
        b'{"question": "How can I pay?", "answer": "By card or by invoice."}\n'
    )
    out = tmp_path / "shop"
    drawn = quoth(environment, "draw", faq, "--out", out)
    assert drawn.returncode == 0, drawn.stderr
    assert b"1 document, 2 pairs" in drawn.stdout
    assert f"{faq}:3: " in drawn.stderr.decode()
    assert f"{faq}:4: " in drawn.stderr.decode()
    done = quoth(environment, "ask", "--json", "--knowledge", out, "Can I get it sent to Spain?")
    assert json.loads(done.stdout)["answer"] == "We ship to all of Europe."


def test_a_source_that_cant_be_read_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    for name in ("none.txt", "none.jsonl"):
        done = quoth(environment, "draw", tmp_path / name, "--out", tmp_path / "out")
        assert done.returncode == 1
        assert name.encode() in done.stderr
        assert done.stderr.count(b"\n") == 1
        assert not (tmp_path / "out").exists()


def test_check_prints_faults_with_file_and_line(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("Cats purr when they are content. Dogs bark at night.\n")
    out = tmp_path / "out"
    assert quoth(environment, "draw", tmp_path / "a.txt", "--out", out).returncode == 0
    pairs = out / "pairs.yaml"
    text = pairs.read_text(encoding="utf-8")
    pairs.write_text(text.replace("answer: Cats purr", "answer: Cats sing"), encoding="utf-8")
    done = quoth(environment, "check", "--knowledge", out)
    assert done.returncode == 1
    assert re.search(rf"^{re.escape(str(pairs))}:\d+: error: ", done.stdout.decode(), re.M)


def test_an_exam_is_evaluated_with_figures_mistakes_and_a_report(
    environment: dict[str, str], tmp_path: Path
) -> None:
    exam = tmp_path / "exam.jsonl"
    rows = [
        {"id": "1", "q": "is ms fatal", "kind": "answerable", "gold": ["MS is not a fatal"]},
        {"id": "2", "q": "is ms fatal", "kind": "unanswerable_near", "gold": []},
        {"id": "3", "q": "what's for lunch", "kind": "unanswerable_far", "gold": []},
        {"id": "4", "q": "", "kind": "gibberish", "gold": []},
    ]
    exam.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    report = tmp_path / "report"
    done = quoth(environment, "evaluate", exam, "--report", report)
    shown = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert re.search(r"^answered_right +1\.0$", shown, re.M)
    assert re.search(r"^false .*unanswerable_near", shown, re.M)
    figures = json.loads((report / "figures.json").read_text())
    assert figures["wrong_of_all"] == 0.25
    assert len((report / "replies.jsonl").read_text().splitlines()) == 4
    for plot in ("reliability.png", "risk_coverage.png"):
        assert (report / plot).read_bytes().startswith(b"\x89PNG")


def test_an_operating_point_is_chosen_saved_and_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "knowledge"
    shutil.copytree(ARTICLE, root)
    labelled = root / "calibration.jsonl"
    labelled.write_text("".join(labelled.read_text().splitlines(keepends=True)[::4]))
    done = quoth(environment, "calibrate", "--max-wrong", "0.1", "--knowledge", root)
    assert done.returncode == 0, done.stderr
    assert re.search(rb"^answered right +\d+\.\d%", done.stdout, re.M)
    assert re.search(rb"^bound +at most \d\.\d\d%", done.stdout, re.M)
    assert json.loads((root / "operating_point.json").read_text())["max_wrong"] == 0.1
    set_elsewhere = {**environment, "QUOTH_MAX_WRONG": "0.1"}
    assert quoth(set_elsewhere, "ask", "is ms fatal", "--knowledge", root).returncode == 0
    refused = quoth(set_elsewhere, "calibrate", "--max-wrong", "0.001", "--knowledge", root)
    assert refused.returncode == 1
    assert b"at least" in refused.stderr
    assert refused.stderr.count(b"\n") == 1


def test_a_knowledge_without_labelled_questions_cant_be_calibrated(
    environment: dict[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "knowledge"
    shutil.copytree(ARTICLE, root, ignore=shutil.ignore_patterns("calibration.jsonl"))
    done = quoth(environment, "calibrate", "--knowledge", root)
    assert done.returncode == 1
    assert b"there is no calibration.jsonl" in done.stderr


def test_a_receipt_replays_or_says_what_changed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    receipt = tmp_path / "receipt.json"
    assert quoth(environment, "ask", "is ms fatal", "--receipt", receipt).returncode == 0
    same = quoth(environment, "replay", receipt)
    assert (same.returncode, same.stdout) == (0, b"the same reply\n")
    changed = json.loads(receipt.read_text()) | {"knowledge": "another"}
    receipt.write_text(json.dumps(changed))
    other = quoth(environment, "replay", receipt)
    assert other.returncode == 1
    assert other.stdout.startswith(b"the knowledge was 'another' and is '")


def test_the_article_can_be_talked_about_in_a_terminal(environment: dict[str, str]) -> None:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "bot", "chat", "--no-history"],
        env={**environment, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"},
        cwd=str(ROOT),
        encoding="utf-8",
        timeout=120,
        dimensions=(50, 100),
    )
    child.delaybeforesend = 0.2
    child.expect("lists commands")
    child.expect(">")
    child.send("is ms fatal\r")
    child.expect("MS is not a fatal disease.")
    child.expect("website")  # the disclaimer's end
    child.send("and ALS?\r")
    child.expect("ALS is a fatal disease")
    child.expect("website\\.")
    child.send("/why\r")
    child.expect("runner-up")
    child.expect("probability")
    child.send("hello\r")
    child.expect("1\\. ")
    child.send("\x04")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_knowledge_is_exported_whole_and_losses_are_said(
    environment: dict[str, str], tmp_path: Path
) -> None:
    long = "This is a sentence of a long answer. " * 20 + "The end."
    faq = tmp_path / "shop.csv"
    faq.write_text(
        'question,variants,answer,source,topic\nDo you ship?,"Can it be sent?\nShipping?",'
        f"{long},https://shop.example/faq,delivery\n,,no question,,\n",
        encoding="utf-8",
    )
    out = tmp_path / "shop"
    drawn = quoth(environment, "draw", faq, "--out", out)
    assert b"1 document, 1 pair" in drawn.stdout, drawn.stderr
    assert f"{faq}:4: has no question".encode() in drawn.stderr
    written = tmp_path / "shop.jsonl"
    done = quoth(environment, "export", "--knowledge", out, "--format", "jsonl", "--out", written)
    assert b"1 entry with 3 questions" in done.stdout, done.stderr
    assert json.loads(written.read_text(encoding="utf-8")) == {
        "question": "Do you ship?",
        "answer": long,
        "variants": ["Can it be sent?", "Shipping?"],
        "source": "https://shop.example/faq",
    }
    turned = quoth(environment, "export", faq, "--format", "qnabot", "--no-variants")
    assert json.loads(turned.stdout)["qna"][0]["q"] == ["Do you ship?"]
    assert b"qnabot can't hold the source" in turned.stderr
    wrong = quoth(environment, "export", "--format", "docx")
    assert wrong.returncode == 2
    assert b"choose one of csv, tsv" in wrong.stderr
