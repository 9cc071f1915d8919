"""Documents: a source read unchanged, and what it says of itself.

`read_document` is the only function here that touches a file. The text is kept as decoded:
new lines, no-break spaces and curly quotes survive, for every offset counts them.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from bot.documents.abbreviations import find_abbreviations
from bot.documents.blocks import PLAIN, Block, plain_text, split_blocks
from bot.errors import DocumentError
from bot.types import Document, Span, content_id
from bot.wording import FUNCTION_WORDS

SUFFIXES = (".txt", ".text", ".md", ".markdown")
MAX_BYTES = 20 * 1024 * 1024
_MARKS = (  # the longer ones first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SIGNS = {b"%PDF-": "a PDF", b"PK\x03\x04": "a Word document or an archive"}
OFTEN = 3  # times; a name that occurs less often is no subject of a document

_LABEL = re.compile(
    r"(?:please note|note|disclaimer|important(?: note| notice)?|notice|legal notice|"
    r"(?:medical|legal|financial) disclaimer)\s*[:.–—-]",
    re.I,
)
_DISCLAIMER_HEADING = re.compile(r"(?:\w+ )?(?:disclaimer|legal notice)s?$", re.I)
# What closing notes say. One of these is not enough: see `_disclaims`.
_CUES = tuple(
    re.compile(cue, re.I)
    for cue in (
        r"\bnot (?:\w+ )?(?:intended|meant|designed|supposed) (?:to be|as|to replace|for)\b",
        r"\b(?:not|never) (?:be )?(?:a |any )?(?:substitute|replacement) for\b",
        r"\b(?:does|do|is|are|should)(?: not|n[’']t) (?:be )?(?:\w+ ){0,4}?"
        r"(?:constitute|provide|offer|give|replace|construed|considered|treated)\b[^.]{0,60}\badvice\b",
        r"\bnot (?:a |any )?(?:medical|legal|financial|investment|tax|professional) advice\b",
        r"\bfor (?:general |your )?(?:information|informational|educational)"
        r"(?: and (?:information|informational|educational))? (?:purposes|use|only)\b",
        r"\b(?:no|any|without) (?:warrant(?:y|ies)|guarantees?|representations?|liability)\b",
        r"\b(?:accepts?|assumes?|takes?) no (?:liability|responsibility)\b",
        r"\b(?:consult|seek|ask|talk to|speak to|contact)\b[^.]{0,40}\b(?:your|a|an) "
        r"(?:\w+ ){0,2}(?:physician|doctor|lawyer|attorney|solicitor|advis[eo]r|professional)\b",
        r"\bnever disregard\b",
        r"\bsubject to change without notice\b",
    )
)
_SELF = re.compile(
    r"\b(?:this|our|these) (?:\w+ )?(?:article|content|page|pages|site|website|web site|document|"
    r"guide|material|leaflet|publication|information|newsletter|blog|post|text|brochure|factsheet)"
    r"\b|\b(?:the|all|any) (?:information|content|contents|material|materials)\b"
    r"[^.]{0,30}\b(?:here|on|in|provided|contained|presented)\b",
    re.I,
)
_SENTENCE = re.compile(r"\w[.!?…](?:[\"'”’»)\]*_]|\s|$)|[。！？]")


def read_document(
    path: Path, *, id: str | None = None, title: str | None = None, url: str | None = None
) -> Document:
    """Read a plain text or Markdown file of UTF-8.

    `id` is by default made from the file's name, `title` found in the text or made from the name.
    Raises DocumentError, which names the file and what to do.
    """
    text = _read_text(Path(path))
    if not has_sentence(text):
        raise DocumentError(
            f"{path}: holds no sentence, only {text.strip()[:40]!r}. Give a text with sentences "
            "that can be quoted."
        )
    made = id or slug(path.stem) or content_id(text)
    return document_from_text(
        text, id=made, title=title or find_title(text, path.stem), source=path.name, url=url
    )


def document_from_text(
    text: str, *, id: str, title: str, source: str, url: str | None = None
) -> Document:
    """A document with its disclaimer, aliases and subjects found; `text` is kept as it is.

    Raises DocumentError where the text is empty.
    """
    if not text.strip():
        raise DocumentError(f"{source}: holds no text. Give a text with at least one sentence.")
    aliases = find_aliases(text)
    return Document(
        id=id,
        title=title,
        source=source,
        text=text,
        sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        url=url,
        disclaimer=find_disclaimer(text),
        aliases=aliases,
        subjects=find_subjects(text, title, aliases),
    )


def has_sentence(text: str) -> bool:
    """Is there a paragraph, list or table that ends a sentence, or has four words at least?"""
    return any(
        _SENTENCE.search(block.span.of(text)) or len(block.span.of(text).split()) >= 4
        for block in split_blocks(text)
        if block.kind not in ("heading", "aside") and any(map(str.isalpha, block.span.of(text)))
    )


def find_disclaimer(text: str) -> Span | None:
    """The closing note that limits what the text may be used for; None where there is none.

    Looked for in the last four blocks, so that a text *about* disclaimers has none. A first
    paragraph is none either, for then nothing would be left to quote.
    """
    blocks = [b for b in split_blocks(text) if b.kind != "aside"]
    under = next(
        (
            i
            for i in range(len(blocks) - 1, 0, -1)
            if blocks[i].kind == "heading" and _DISCLAIMER_HEADING.search(blocks[i].title)
        ),
        None,
    )
    if under is not None:
        after = blocks[under + 1 :]
        level = blocks[under].level
        until = next(
            (i for i, b in enumerate(after) if b.kind == "heading" and b.level <= level), None
        )
        if until is None and after and len(after) <= 4:
            return _unmarked(text, Span(after[0].span.start, after[-1].span.end))
    closing = [
        i for i in range(max(1, len(blocks) - 4), len(blocks)) if _disclaims(text, blocks[i])
    ]
    if not closing:
        return None
    first = last = closing[-1]
    while first - 1 in closing:
        first -= 1
    return _unmarked(text, Span(blocks[first].span.start, blocks[last].span.end))


def find_aliases(text: str) -> tuple[tuple[str, str], ...]:
    """(another name, canonical name) for each abbreviation that the text defines.

    The canonical name is the form that occurs more often outside the definition; the first
    definition of a short form stands.
    """
    aliases: dict[str, tuple[str, str]] = {}
    for short, long in find_abbreviations(text):
        if short in aliases:
            continue
        canonical, other = (
            (short, long) if _count(text, short) > _count(text, long) else (long, short)
        )
        aliases[short] = (other, canonical)
    return tuple(aliases.values())


def find_subjects(text: str, title: str, aliases: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The canonical names of what the text is about, most often named first.

    A name with an abbreviation is a subject if its two forms occur three times at least. Where
    there is none, the longest run of words of the title that recurs as often is the subject: by
    itself: no part of a longer name, and not somebody's own ("Plan your visit").
    """
    counts = {
        canonical: _count(text, canonical) + _count(text, other) for other, canonical in aliases
    }
    # its definition names it twice, in one breath: that counts once
    often = sorted((n for n in counts if counts[n] - 1 >= OFTEN), key=lambda n: -counts[n])
    if often:
        return tuple(often)
    words = plain_text(title).split()
    for size in range(min(4, len(words)), 0, -1):
        for first in range(len(words) - size + 1):
            run = words[first : first + size]
            name = " ".join(run).strip(" ,:;.?!")
            edges = {run[0].lower().strip("?:,"), run[-1].lower().strip("?:,")}
            if len(name) <= 2 or edges & FUNCTION_WORDS or not _begins_name(words[:first]):
                continue
            if _count(text, name) >= OFTEN and _named_alone(text, name):
                return (name,)
    return ()


def find_title(text: str, stem: str) -> str:
    """The first Markdown heading, or a short first line standing alone, or the file's name."""
    blocks = [b for b in split_blocks(text) if b.kind != "aside"]
    for block in blocks[:10]:
        if block.kind == "heading" and (block.level < PLAIN or block is blocks[0]):
            return block.title
    known = {short.lower(): short for short, _ in find_abbreviations(text)}
    words = [known.get(w.lower(), w) for w in re.split(r"[\s_\-.]+", stem) if w]
    readable = " ".join(words) or stem
    return readable[:1].upper() + readable[1:]


def slug(name: str) -> str:
    """`name` in lower-case ASCII letters, digits and hyphens; "" where nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _read_text(path: Path) -> str:
    if path.suffix.lower() not in SUFFIXES:
        raise DocumentError(
            f"{path}: {path.suffix or 'a file without a suffix'} is not read. Give a text file "
            f"({', '.join(SUFFIXES)})."
        )
    try:
        if path.is_dir():
            raise DocumentError(f"{path}: is a folder. Name the files in it.")
        if not path.is_file():
            raise DocumentError(f"{path}: is not there, or is no file. Check the path.")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DocumentError(
            f"{path}: cannot be read ({error.strerror}). Check its permissions."
        ) from error
    if len(data) > MAX_BYTES:
        raise DocumentError(f"{path}: is larger than {MAX_BYTES >> 20} MB. Split it into parts.")
    try:
        return decoded(data)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from error


def decoded(data: bytes) -> str:
    """The text of UTF-8, or of what a byte order mark says, without that mark.

    Raises DocumentError, which names the line but no file.
    """
    if (sign := next((sign for sign in _SIGNS if data.startswith(sign)), None)) is not None:
        raise DocumentError(f"is {_SIGNS[sign]}, no text. Name it by its kind.")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8-sig")
    if encoding == "utf-8-sig" and (nul := data.find(b"\0")) >= 0:
        raise DocumentError(
            f"is no text (a NUL byte at byte {nul}). Save it as plain text in UTF-8."
        )
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            f"line {line}: is no {encoding.removesuffix('-sig').upper()} (byte "
            f"0x{data[error.start]:02x} at byte {error.start}). Save it as UTF-8."
        ) from error
    if (nul := text.find("\0")) >= 0:
        raise DocumentError(
            f"is no text (a NUL at character {nul}). Save it as plain text in UTF-8."
        )
    text = text.lstrip("\ufeff")  # a second mark would be lost when the text is written and read
    if not text.strip():
        raise DocumentError("is empty. Give a text with at least one sentence.")
    return text


def _disclaims(text: str, block: Block) -> bool:
    """Does the block speak of the text itself (or bear a label) and limit it, or limit it twice?"""
    if block.kind != "paragraph":
        return False
    said = plain_text(block.span.of(text)).lstrip("*_> ")
    cues = sum(bool(cue.search(said)) for cue in _CUES)
    labelled = _LABEL.match(said) is not None
    return cues >= 2 or (cues == 1 and (labelled or _SELF.search(said) is not None))


def _unmarked(text: str, span: Span) -> Span:
    """The span without quotation and emphasis marks around it."""
    start, end = span.start, span.end
    while start < end - 1 and text[start] in "*_> ":
        start += 1
    while end > start + 1 and text[end - 1] in "*_ ":
        end -= 1
    return Span(start, end)


def _begins_name(before: Sequence[str]) -> bool:
    """Can a name begin behind these words of a title? Not inside a longer one ("Harbour Lane
    Dental Practice"), nor behind whose it is ("Plan your visit")."""
    last = before[-1].lower() if before else ""
    if last in ("your", "our", "my"):
        return False
    return not last[-1:].isalnum() or last in FUNCTION_WORDS or last.endswith("ing")


def _named_alone(text: str, name: str) -> bool:
    """Does `name` stand by itself in a third of its places at least, no part of a longer name
    ("Harbour Lane") and before no other noun ("dental nurses")?"""
    flags = 0 if any(c.isupper() for c in name[1:]) else re.I
    after = re.findall(rf"(?<!\w){re.escape(name)}(?!\w)(?:[ -]([^\W\d_]+))?", text, flags)
    alone = sum(not word or word.lower() in FUNCTION_WORDS for word in after)
    return 3 * alone >= len(after)


def _count(text: str, name: str) -> int:
    """How often `name` occurs as whole words; case counts for names in capitals only."""
    flags = 0 if any(c.isupper() for c in name[1:]) else re.I
    return len(re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", text, flags))
