"""What a change of a knowledge changes, before it is published."""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.parts import DONE, FAILED, Add, count_of, passing, progress, say, settings_of
from bot.errors import QuestionError, UsageError

if TYPE_CHECKING:
    from bot.evaluation.differences import Change, Comparison, Difference, Held, Outcome
    from bot.settings import Settings

SHOWN = 4  # questions of a group that are listed

_DIFF = """\
Ask two versions of a knowledge the same questions, and show whose answer changed, which are
answered no longer and which are answered now: the labelled questions, the pairs' own wordings, and
  --questions FILE    questions of your own: a question a line, JSON lines as for `ask --batch`, or
                      an exam
  --logged            what visitors asked in vain, as far as the settings let it be kept
A version is a folder, or REV:PATH of the git repository that you are in, for example
  quoth diff HEAD~1:knowledge knowledge --max-changed 0.02
Wordings that only the new version has are no part of the share: they must find their own pair."""

_CODES = """\
exit codes: 0 no more than --max-changed changed (always, where it isn't given), 1 more, or an
error, 2 the command line is wrong."""


def add(command: Add) -> None:
    """Declare the commands of this module."""
    made = command("diff", "what an edit changes for those who ask", _DIFF, _CODES, run=diff)
    made.add_argument("old", metavar="OLD", help="a knowledge: a folder, or REV:PATH")
    made.add_argument("new", metavar="NEW", help="another")
    made.add_argument(
        "--questions", type=Path, action="append", default=[], metavar="FILE", help="ask these too"
    )
    made.add_argument("--logged", action="store_true", help="ask what visitors asked in vain too")
    made.add_argument(
        "--max-changed", type=_share, metavar="SHARE", help="0..1: exit with 1 where more changed"
    )
    made.add_argument("--json", action="store_true", help="print the comparison as JSON")


def diff(parsed: argparse.Namespace) -> int:
    """Compare the replies of two versions of a knowledge."""
    from bot.bot import Bot, Engine
    from bot.evaluation.differences import compare

    settings = settings_of(parsed)
    more = [held for file in parsed.questions for held in _questions(file)]
    if parsed.logged:
        more += _logged(settings, Path(parsed.new))
    with ExitStack() as stack, passing() as tell:
        folders = [stack.enter_context(_folder(name)) for name in (parsed.old, parsed.new)]
        engine = Engine(settings, tell)
        old, new = (
            Bot.load(
                settings.model_copy(update={"knowledge": folder}), engine=engine, progress=tell
            )
            for folder in folders
        )
        with progress("asking both") as advance:
            found = compare(old, new, more, advance)
    for fault in new.faults():
        say(f"{parsed.new}: {fault}")
    over = parsed.max_changed is not None and found.share > parsed.max_changed
    if parsed.json:
        points = {"old": old.stale, "new": new.stale}
        print(json.dumps({**found.to_json(), "over": over, "stale_operating_point": points}))
    else:
        print("\n".join(_lines(found)))
        if parsed.max_changed is not None:
            print(f"{'over' if over else 'within'} the limit of {parsed.max_changed:.2%}")
    return FAILED if over else DONE


_HEADINGS: dict[Change, str] = {
    "changed": "answered otherwise",
    "stopped": "no longer answered",
    "started": "answered now",
    "otherwise": "another reply without an answer",
}


def _lines(found: Comparison) -> Iterator[str]:
    """The comparison to read, the gravest first."""
    asked = ", ".join(f"{name} {count:,}" for name, count in found.asked.items())
    yield f"{count_of(found.questions, 'question')} asked of both: {asked}"
    for change, heading in _HEADINGS.items():
        differences = found.of(change)
        if not differences:
            continue
        yield f"\n{heading}: {count_of(len(differences), 'question')}"
        yield from _groups(differences)
    if found.lost:
        yield f"\nnew wordings that don't find their own pair: {len(found.lost):,}"
        yield from _groups(found.lost)
    yield ""
    if found.new:
        yield (
            f"{count_of(found.new, 'new wording')}, "
            f"{found.new - len(found.lost):,} with the answer of their own pair"
        )
    edits = [f"+ {question}" for question in found.added]
    edits += [f"- {question}" for question in found.removed]
    edits += [f"~ {edit.question} ({', '.join(edit.parts)})" for edit in found.edited]
    yield (
        f"pairs: {len(found.added):,} added, {len(found.removed):,} removed, "
        f"{len(found.edited):,} edited"
    )
    yield from (f"  {_plain(edit)}" for edit in edits)
    changed = round(found.share * found.questions)
    yield f"{changed:,} of {count_of(found.questions, 'question')} changed ({found.share:.2%})"


def _groups(differences: Sequence[Difference]) -> Iterator[str]:
    """The questions with the same replies together, the largest group first."""
    groups: dict[tuple[Outcome, Outcome], list[Difference]] = {}
    for difference in differences:
        groups.setdefault((difference.before, difference.after), []).append(difference)
    for (before, after), group in sorted(groups.items(), key=lambda item: -len(item[1])):
        yield ""
        for difference in group[:SHOWN]:
            yield f"  {_plain(difference.question)}  [{difference.source}]"
        if len(group) > SHOWN:
            yield f"  and {len(group) - SHOWN:,} more"
        yield f"    before  {_said(before)}"
        yield f"    after   {_said(after)}"


def _said(outcome: Outcome) -> str:
    if not outcome.quotes:
        return _plain(outcome.kind + (f", {outcome.reason}" if outcome.reason else ""))
    quotes = " ".join(f"“{quote}”" for quote in outcome.quotes)
    return _plain(f"{quotes} ({outcome.pair})")


def _plain(text: str) -> str:
    from bot.printing import one_line

    return one_line(text)


def _questions(file: Path) -> Iterator[Held]:
    from bot.channels.batch import parse_row, rows
    from bot.evaluation.differences import Held

    try:
        stream = file.open("rb")
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror or error}") from error
    with stream:
        for number, row in enumerate(rows(stream), 1):
            if not row.strip():
                continue
            asked = parse_row(row)
            for question in asked:
                if isinstance(question, QuestionError):
                    raise UsageError(f"{file}:{number}: {question}")
            yield Held(tuple(map(str, asked)), file.name)


def _logged(settings: Settings, folder: Path) -> Iterator[Held]:
    """What was not answered at the site of `folder`, or did not help, as far as it was kept."""
    from bot.channels.sites import site_of
    from bot.evaluation.differences import Held
    from bot.state.store import Store

    store = Store(settings.database_url, site=site_of(settings.knowledge, folder))
    try:
        kept = [one.question for one in store.questions()]
        kept += [one.question for one in store.feedback() if one.question]
    finally:
        store.close()
    return (Held((question,), "logged") for question in kept if question.strip())


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    """The folder `name`; or what stands at REV:PATH, for the while in a folder of its own."""
    revision, colon, path = name.partition(":")
    if Path(name).exists() or not (revision and colon and path):
        yield Path(name)
        return
    try:
        done = subprocess.run(
            ["git", "archive", "--format=tar", "--", f"{revision}:{path.rstrip('/')}"],
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise UsageError(f"{name}: git can't be run ({error.strerror or error})") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        raise UsageError(f"{name} is neither a folder nor REV:PATH of this repository: {said[-1]}")
    with tempfile.TemporaryDirectory(prefix="quoth-") as folder:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
            tar.extractall(folder, filter="data")
        yield Path(folder)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise argparse.ArgumentTypeError(f"a share from 0 to 1, for example 0.02, not {text!r}")
    return share
