"""Take a knowledge, or a FAQ of any format, to another system."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.parts import DONE, FAILED, Add, count_of, say, settings_of
from bot.errors import UsageError

if TYPE_CHECKING:
    from bot.faqs.entries import FaqEntry
    from bot.faqs.formats import Format

_EXPORT = """\
Write the questions and answers of a knowledge as a file that other systems read; or those of FAQ
files, from one format to another.
  csv tsv xlsx  a table for spreadsheets: question, variants, answer, source, id, metadata
  jsonl         {"question": ..., "variants": [...], "answer": ...} a line
  faqpage       schema.org FAQPage as JSON-LD, for a website's <script type="application/ld+json">
  azure-tsv azure-xlsx azure-json  Azure custom question answering
  qnabot        QnABot on AWS
What a format can't hold is said. docs/faqs.md has the columns and fields."""


def add(command: Add) -> None:
    """Declare the commands of this module."""
    made = command("export", "write the questions and answers for other systems", _EXPORT, run=run)
    made.add_argument(
        "sources", nargs="*", type=Path, metavar="FAQ", help="FAQ files, instead of a knowledge"
    )
    made.add_argument("--format", required=True, metavar="NAME", help="see above")
    made.add_argument(
        "--no-variants", action="store_true", help="leave out other wordings of the questions"
    )
    made.add_argument("--out", type=Path, metavar="FILE", help="the file to write (default: print)")


def run(parsed: argparse.Namespace) -> int:
    """Write entries in a format; 1 where not one could be written."""
    from bot.faqs.formats import FORMATS

    format = next((format for format in FORMATS if format.name == parsed.format), None)
    if format is None:
        names = ", ".join(format.name for format in FORMATS)
        raise UsageError(f"there is no format {parsed.format!r}; choose one of {names}")
    entries = _of_files(parsed.sources) if parsed.sources else _of_knowledge(parsed)
    if parsed.no_variants:
        entries = tuple(replace(entry, variants=()) for entry in entries)
    kept = [entry for entry in entries if format.held(entry) is not None]
    _tell_losses(entries, format)
    if not kept:
        say("nothing is left to write")
        return FAILED
    data = format.write(kept)
    if parsed.out is None:
        if format.suffix == ".xlsx" and sys.stdout.isatty():
            raise UsageError("a workbook can't be shown; name a file with --out")
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return DONE
    try:
        parsed.out.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{parsed.out} can't be written: {error.strerror or error}") from error
    number = f"{len(kept):,} {'entry' if len(kept) == 1 else 'entries'}"
    print(f"{parsed.out}: {number} with {count_of(sum(len(e.wordings) for e in kept), 'question')}")
    return DONE


def _of_knowledge(parsed: argparse.Namespace) -> tuple[FaqEntry, ...]:
    from bot.faqs.of_knowledge import entries_of
    from bot.knowledge.knowledge import load_knowledge

    knowledge = load_knowledge(settings_of(parsed).knowledge)
    for pair in knowledge.quarantined:
        say(str(pair))
    return entries_of(knowledge)


def _of_files(sources: Sequence[Path]) -> tuple[FaqEntry, ...]:
    from bot.faqs.formats import read_faq

    entries: list[FaqEntry] = []
    for source in sources:
        faq = read_faq(source)
        for fault in faq.faults:
            say(f"{source}:{fault.row}: {fault.message}")
        entries += faq.entries
    return tuple(entries)


def _tell_losses(entries: Sequence[FaqEntry], format: Format) -> None:
    """One line for each field that the format can't hold, and for entries it can't hold at all."""
    lost = {"source": 0, "id": 0, "metadata": 0}
    for entry in entries:
        held = format.held(entry)
        if held is None:
            say(f"{format.name} can't hold the answer to {entry.question!r}; it is left out")
            continue
        for name in lost:
            has = getattr(entry, name)
            lost[name] += bool(has) and getattr(held, name) != has
    for name, number in lost.items():
        if number:
            say(f"{format.name} can't hold the {name}, or all of it, of {number:,} of the entries")
