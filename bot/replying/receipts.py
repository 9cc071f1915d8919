"""The answer receipt: every signal behind a reply, and the digests it rests on.

A receipt replays: the same question to the same knowledge and model gives the same reply.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from bot.knowledge.knowledge import Knowledge
from bot.matching.retrieval import Retrieved
from bot.types import Match, Reply, Turn

# What a replay compares, by the words that name a difference.
_COMPARED = {
    "knowledge": "the knowledge",
    "model": "the model",
    "threshold": "the threshold",
    "kind": "the kind of reply",
    "reason": "the reason",
    "quotes": "what is quoted",
    "confidence": "the confidence",
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """`fields` is plain JSON data."""

    fields: Mapping[str, object]

    @classmethod
    def of(
        cls,
        asked: str,
        reply: Reply,
        retrieved: Retrieved | None,
        matches: Sequence[Match],
        turns: Sequence[Turn],
        *,
        threshold: float,
        knowledge: Knowledge,
        model: str,
    ) -> Receipt:
        prototype = None
        if retrieved is not None and retrieved.prototype is not None:
            known = knowledge.prototypes[retrieved.prototype]
            prototype = {
                "question": known.question,
                "topic": known.topic,
                "cosine": round(retrieved.prototype_cosine, 4),
                "score": round(retrieved.out, 4),
            }
        return cls(
            {
                "asked": asked,
                "turns": [asdict(turn) for turn in turns],  # before it
                "understood": reply.question,
                "compared": retrieved.question if retrieved else None,
                "kind": reply.decision.kind,
                "reason": reply.cause,
                "confidence": round(reply.confidence, 4),
                "threshold": round(threshold, 6),
                "quotes": [c.quote for c in reply.citations],
                "best": _described(matches[0]) if matches else None,
                "runner_up": _described(matches[1]) if len(matches) > 1 else None,
                "nearest_out_of_scope": prototype,
                "missing": list(reply.missing),
                "knowledge": knowledge.digest,
                "model": model,
            }
        )

    def to_json(self) -> dict[str, object]:
        return dict(self.fields)

    def differences(self, earlier: Mapping[str, object]) -> Iterable[str]:
        """What differs from an earlier receipt, a line each; the confidence to three digits."""
        for key, name in _COMPARED.items():
            before, after = earlier.get(key), self.fields[key]
            if key == "confidence" and isinstance(before, int | float):
                if abs(float(before) - float(str(after))) <= 1e-3:
                    continue
            elif before == after:
                continue
            yield f"{name} was {before!r} and is {after!r}"


def _described(match: Match) -> dict[str, object]:
    return {
        "question": match.pair.question,
        "matched": match.matched_text,
        "answer": match.pair.answer,
        "probability": round(match.probability, 4),
        "signals": {name: round(value, 4) for name, value in match.signals},
    }
