"""Make a knowledge and find its faults."""

from __future__ import annotations

import argparse
import shlex
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.parts import (
    DONE,
    FAILED,
    Add,
    count_of,
    load,
    progress,
    say,
    settings_of,
)
from bot.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.drawing.draft import Draft
    from bot.drawing.drawing import Encode
    from bot.knowledge.knowledge import Knowledge
    from bot.settings import Settings

GAPS = 20  # known gaps that an update names at most

_DRAW = """\
Make a knowledge: a folder of plain files that answers at once and that you then read and edit.
  .txt .md .html .pdf .docx
                a document: sentences and passages become answers, questions are drawn
  .csv .tsv .xlsx .jsonl .json .jsonld, and .html with a FAQPage: a FAQ, taken as it is, exports
                of QnABot, QnA Maker and Azure custom question answering too (docs/faqs.md)
  a folder      all of these in it and in the folders in it
  https://…     a page or a file of these kinds; a sitemap (also as a file): all pages it lists
What can't be taken is named and stops nothing else; the exit code is 1 then.
Read pairs.yaml in the folder afterwards, change what is not how people ask, and run check."""

_CHECK = """\
Look for faults in a knowledge: answers that don't stand in their document, changed documents, one
question with two answers, questions that don't find their own answer. Each fault is a line
FILE:LINE: what is wrong. Exit code 1 if there is an error among them."""


def add(command: Add) -> None:
    """Declare the commands of this module."""
    made = command("draw", "make a knowledge of documents or a FAQ", _DRAW, run=draw)
    made.add_argument("sources", nargs="+", metavar="SOURCE", help="a file, folder or address")
    made.add_argument("--out", type=Path, metavar="DIR", help="the folder to make")
    made.add_argument("--title", help="what the knowledge is called (default: the document's)")
    made.add_argument(
        "--domain",
        metavar="NAME",
        help="what it is about: health, history, organisation, person, place, shop, software, or "
        "general (default: guessed); known questions it leaves open are written beside the pairs",
    )
    made.add_argument(
        "--limit",
        type=int,
        default=1000,
        metavar="N",
        help="at most so many documents of folders and sitemaps (default: 1000)",
    )
    made.add_argument(
        "--allow-private",
        action="store_true",
        help="fetch the addresses named here even from private machines, on any port",
    )
    made.add_argument(
        "--drafter",
        metavar="URL",
        help="a language model that proposes further questions: any endpoint of chat completions, "
        "such as http://127.0.0.1:11434/v1; it is sent the documents' sentences, "
        "and QUOTH_DRAFTER_KEY as its key",
    )
    made.add_argument("--drafter-model", metavar="NAME", help="the model to ask there")
    made.add_argument(
        "--update",
        action="store_true",
        help="bring a knowledge up to its changed documents: your edits are kept, what is new is "
        "added, what you deleted stays deleted, and answers that no longer stand are named",
    )
    made.add_argument(
        "--force", action="store_true", help="overwrite a knowledge, your edits in it included"
    )

    command("check", "find faults in a knowledge", _CHECK, run=check)


def draw(parsed: argparse.Namespace) -> int:
    """Make a knowledge folder of documents and FAQs."""
    from bot.drawing.phrases import asks_openly
    from bot.knowledge.knowledge import load_knowledge, write_knowledge

    if parsed.domain is not None:
        _known_domain(parsed.domain)
    settings = settings_of(parsed)
    out: Path = parsed.out or settings.knowledge
    if parsed.update:
        return _update(parsed, settings, out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not parsed.force:
        raise UsageError(
            f"{out} is there already; name a new folder with --out, bring it up to its changed "
            "documents with --update, or overwrite it, edits included, with --force"
        )
    made = _made(parsed, settings)
    write_knowledge(
        out,
        title=parsed.title or made.title,
        documents=made.documents,
        pairs=made.pairs,
        prototypes=made.prototypes,
        domain=made.domain,
        overwrite=parsed.force,
    )
    served = len(load_knowledge(out).pairs)
    print(f"{out}: {count_of(len(made.documents), 'document')}, {count_of(served, 'pair')}")
    if made.prototypes:
        known = count_of(len(made.prototypes), "question")
        print(f"{known} that it doesn't answer ({made.domain}): read out_of_scope.yaml too")
    first = next((p for p in made.pairs if asks_openly(p.question)), made.pairs[0])
    print("Try it:", shlex.join(["quoth", "ask", "--knowledge", str(out), first.question]))
    return _tell_refused(made)


def _made(parsed: argparse.Namespace, settings: Settings) -> Draft:
    """What is drawn of the sources; what could not be taken of them is told."""
    from bot.drawing.draft import make_draft
    from bot.drawing.drafter import Drafter

    drafter = None
    if parsed.drafter or parsed.drafter_model:
        if not (parsed.drafter and parsed.drafter_model):
            raise UsageError("--drafter and --drafter-model go together; name both")
        drafter = Drafter(parsed.drafter, parsed.drafter_model, settings.drafter_key)
    with progress("reading and comparing") as advance:
        made = make_draft(
            parsed.sources,
            lambda: _encode(settings, advance),
            advance,
            domain=parsed.domain,
            allow_private=parsed.allow_private,
            limit=parsed.limit,
            drafter=drafter,
        )
    if made.drafted:
        say(made.drafted)
    for source in made.refused:
        say(str(source))
    for fault in made.faults:
        say(fault)
    if made.faults:
        say(f"{count_of(len(made.faults), 'row')} not taken, all others were")
    return made


def _encode(settings: Settings, advance: Callable[[int, int], None]) -> Encode:
    """The model, loaded; its vectors are cached."""
    from bot.encoding.cache import EmbeddingCache
    from bot.encoding.encoders import load_encoder

    encoder = load_encoder(settings.model, settings.cache_dir, progress=say)
    vectors = EmbeddingCache(settings.cache_dir / "vectors", encoder, warn=say)
    return lambda texts: vectors.encode(texts, advance)


def _tell_refused(made: Draft) -> int:
    """How many sources could not be taken, and the exit code for that."""
    failed = sum(source.wanted for source in made.refused)
    if failed:
        say(f"{count_of(failed, 'source')} could not be taken, all others were")
    return FAILED if failed else DONE


def _update(parsed: argparse.Namespace, settings: Settings, out: Path) -> int:
    """Bring a knowledge up to its changed documents; 1 where a line could not be edited."""
    from bot.drawing.redraw import redraw
    from bot.knowledge.knowledge import load_knowledge

    if parsed.force or parsed.title or parsed.domain:
        raise UsageError("--update keeps the title and the domain; leave out the other options")
    made = _made(parsed, settings)
    before = load_knowledge(out)
    done = redraw(out, made)
    for line in (*done.lost, *done.skipped):
        say(str(line))
    print(
        f"{out}: {count_of(done.kept, 'pair')} kept, {done.pairs:,} added, "
        f"{count_of(done.wordings, 'wording')} added to others"
    )
    if done.documents:
        print(f"{count_of(done.documents, 'document')} of a new name added")
    if done.lost:
        print(f"{count_of(len(done.lost), 'pair')} no longer served: see above")
    _tell_answered(before, load_knowledge(out), settings)
    return _tell_refused(made) or (FAILED if done.skipped else DONE)


def _tell_answered(before: Knowledge, now: Knowledge, settings: Settings) -> None:
    """Name the known gaps that pairs seem to answer now which weren't there `before`."""
    from bot.drawing.prototypes import now_answered
    from bot.knowledge.files import OUT_OF_SCOPE, read_out_of_scope
    from bot.subjects import Subjects

    file = now.root / OUT_OF_SCOPE
    gaps = [text for row in read_out_of_scope(file) for text in row.questions]
    known = {pair.id for pair in before.pairs}
    added = [pair for pair in now.pairs if pair.id not in known]
    if not gaps or not added:
        return
    with progress("comparing known gaps") as advance:
        answered = now_answered(
            [gap.value for gap in gaps],
            added,
            before.pairs,
            _encode(settings, advance),
            Subjects(now.aliases, now.subjects),
        )
    for number, pair in answered[:GAPS]:
        gap = gaps[number]
        say(f"{file}:{gap.line}: {gap.value!r} may be answered now, by {pair.answer!r}")
    if answered:
        print(
            f"{count_of(len(answered), 'known gap')} may be answered now: see above, and delete "
            f"from {OUT_OF_SCOPE} what is"
        )


def _known_domain(name: str) -> None:
    from bot.drawing.prototypes import GENERAL, library

    domains = (GENERAL, *library())
    if name not in domains:
        raise UsageError(f"there is no domain {name!r}; choose one of {', '.join(domains)}")


def check(parsed: argparse.Namespace) -> int:
    """Print the faults of a knowledge; 1 where one is an error."""
    from bot.knowledge.checking import Fault
    from bot.knowledge.checking import check as find_faults
    from bot.matching.operating_point import FILE

    bot = load(parsed, faults=False)
    total = sum(len(pair.wordings) for pair in bot.knowledge.pairs)
    asked = count(1)
    with progress("asking its own questions") as advance:

        def finds(question: str) -> str | None:
            advance(next(asked), total)
            return bot.finds(question)

        faults = find_faults(bot.knowledge, finds)
    if bot.stale:
        faults = (*faults, Fault(bot.knowledge.root / FILE, 1, "warning", bot.stale))
    for fault in faults:
        print(fault)
    errors = sum(fault.severity == "error" for fault in faults)
    warnings = len(faults) - errors
    print(
        f"{count_of(len(bot.knowledge.pairs), 'pair')}, {count_of(errors, 'error')}, "
        f"{count_of(warnings, 'warning')}"
    )
    return FAILED if errors else DONE
