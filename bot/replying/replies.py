"""What a person reads: citations cut from the document, and the reply's plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.documents.passages import passage_at, split_sentences
from bot.documents.rows import row_at
from bot.knowledge.knowledge import Knowledge
from bot.readable import readable
from bot.replying.texts import Texts
from bot.types import (
    QUOTE_LIMIT,
    Answered,
    Cause,
    Citation,
    Clarified,
    Decision,
    Declined,
    Document,
    Match,
    Reply,
    Safety,
    SmallTalk,
    Span,
)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes replies in the knowledge's fixed texts. Adds no fact: only quotes carry facts."""

    knowledge: Knowledge
    texts: Texts

    def reply(
        self,
        decision: Decision,
        *,
        question: str,
        conversation_id: str,
        turn_id: str,
        confidence: float = 0.0,
        suggestions: Sequence[str] = (),
        part: str | None = None,
        exhausted: bool = False,
    ) -> Reply:
        """`part` is the part of the question that is answered, where the rest is left open;
        `exhausted` tells that the answer is all there is, given before."""
        citations: tuple[Citation, ...] = ()
        cause: Cause | None = None
        missing: tuple[str, ...] = ()
        match decision:
            case Answered():
                citations = tuple(self.cite(m) for m in decision.matches)
                text = self._answer_text(citations, part, exhausted)
            case Clarified():
                cause = "ambiguous"
                suggestions = [m.pair.question for m in decision.options]
                text = _listed(self.texts["clarify.which"], suggestions)
            case Declined():
                cause, missing = decision.reason, decision.missing
                text = _listed(self._declined_text(decision), suggestions, self._offer(decision))
            case Safety():
                cause, text = decision.reason, self.texts.safety(decision)
                if not decision.urgent:  # the owner's desk is no help in an emergency
                    text = self._with_contact(text)
                if decision.route == "distress":
                    text = _listed(text, suggestions, self.texts["safety.offer"])
                else:
                    suggestions = ()
            case SmallTalk():
                text = self.texts.smalltalk(decision)
                if decision.intent in ("greeting", "help", "who_are_you"):
                    text = _listed(text, suggestions, self.texts["decline.offer"])
        return Reply(
            text=text,
            decision=decision,
            question=question,
            conversation_id=conversation_id,
            turn_id=turn_id,
            citations=citations,
            disclaimer=self.disclaimer(citations),
            confidence=confidence,
            cause=cause,
            missing=missing,
            suggestions=tuple(suggestions),
        )

    def cite(self, match: Match) -> Citation:
        """The citation of a pair's evidence: at most 450 characters, whole sentences first."""
        provenance = match.pair.provenance
        document = self.knowledge.document(provenance.document_id)
        span = cut(document.text, provenance.evidence)
        passage = passage_at(self.knowledge.passages_of[document.id], span)
        return Citation(
            document=document.id,
            title=document.title,
            url=document.url,
            heading=passage.heading,
            quote=span.of(document.text),
            passage=passage.text,
            span=span,
            page=document.page_at(span.start),
            row=row_at(document.text, span),
        )

    def disclaimer(self, citations: Sequence[Citation]) -> str | None:
        """The notes of the documents quoted, or of the only document there is."""
        documents = self.knowledge.documents
        if citations:
            documents = tuple(self.knowledge.document(c.document) for c in citations)
        elif len(documents) > 1:
            return None
        return "\n\n".join(dict.fromkeys(_notes(documents))) or None

    def _answer_text(self, citations: Sequence[Citation], part: str | None, exhausted: bool) -> str:
        parts = [self.texts["answer.exhausted"]] if exhausted else []
        parts += [self.texts["answer.part"].format(part=part)] if part else []
        for c in citations:
            parts += [f"“{readable(c.quote)}”", *([c.row] if c.row else [])]
        parts.append("\n".join(dict.fromkeys(self._source(c) for c in citations)))
        documents = [self.knowledge.document(c.document) for c in citations]
        notes = dict.fromkeys(_notes(documents))
        parts += [note for note in notes if not any(c.quote in note for c in citations)]
        return "\n\n".join(parts)

    def _source(self, citation: Citation) -> str:
        place = f", “{citation.heading}”" if citation.heading else ""
        if citation.page:
            place += f", {self.texts['answer.page'].format(page=citation.page)}"
        link = f" — {citation.url}" if citation.url else ""
        return f"{self.texts['answer.source']} {citation.title}{place}{link}"

    def _declined_text(self, decision: Declined) -> str:
        match decision.reason:
            case "language" | "not_understood" | "nothing_asked" as reason:
                return self.texts.declined(reason)
            case "unsure" | "unreviewed" | "out_of_date":
                return self._with_contact(self.texts[f"decline.{decision.reason}"])
            case "off_topic":
                return self.texts["decline.off_topic"].format(title=self.knowledge.title)
            case _:
                if decision.topic:
                    topic = self.texts["decline.topic"].format(topic=decision.topic)
                    return self._with_contact(topic)
                return self._with_contact(self.texts["decline.not_covered"])

    def _offer(self, decision: Declined) -> str:
        return self.texts["decline.near" if decision.reason == "unsure" else "decline.offer"]

    def _with_contact(self, text: str) -> str:
        contact = self.knowledge.contact
        return f"{text} {self.texts['contact.person'].format(contact=contact)}" if contact else text


def cut(text: str, evidence: Span) -> Span:
    """`evidence`, or as many of its first sentences as fit a quote (its first characters, to a
    word's end, where even one sentence doesn't)."""
    if evidence.end - evidence.start <= QUOTE_LIMIT:
        return evidence
    inside = split_sentences(evidence.of(text))
    fitting = [s for s in inside if s.end - inside[0].start <= QUOTE_LIMIT]
    start = evidence.start + (inside[0].start if inside else 0)
    if fitting:
        return Span(start, evidence.start + fitting[-1].end)
    end = text.rfind(" ", start, start + QUOTE_LIMIT)
    return Span(start, end if end > start else start + QUOTE_LIMIT)


def _notes(documents: Iterable[Document]) -> Iterator[str]:
    """The documents' disclaimers, verbatim."""
    for document in documents:
        if document.disclaimer is not None:
            yield document.disclaimer.of(document.text)


def _listed(text: str, options: Sequence[str], heading: str | None = None) -> str:
    if not options:
        return text
    lines = [f"{n}. {option}" for n, option in enumerate(options, 1)]
    return "\n".join([text, "", *([heading] if heading else []), *lines])
