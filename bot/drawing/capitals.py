"""Which capitals of a document are of names, and which only begin a sentence or a heading.

A question has the words of both inside it: "Are Tickets sold at the door?" and "What should I know
about Changing The Password?" read wrong, "is pebble a bank?" would be worse. So a word gets a small
letter only where the document writes it so elsewhere, or where it is one of everyday life that the
document doesn't write with a capital inside a sentence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from bot.drawing.clauses import is_verb_form
from bot.wording import FUNCTION_WORDS, stem

# Words that begin many sentences of practical pages and are hardly ever a name alone; their other
# forms ("ticket", "tickets") go with them.
_EVERYDAY = """
account adult advice age airline alcohol animal answer anybody anyone appointment area assistance
baby bag barbecue battery bed beginner bicycle bike bill birthday biscuit blanket boat body bonfire
book booking bottle box boy bread break breakfast building bus business butter cable call camera
car card care career carer cash cat certificate chair change charge check cheque child childcare
children class clean climate cloth clothes club coach coat code coffee cold collection company
complaint complete computer concession condition contact contract cookie copy cost country course
cover credit customer cycle cyclist daily damage daughter day deadline delivery deposit desk
dictionary dinner dirt disabled discount dish dog door dose drink driver drug e-mail each early
eight either electric eleven email employee entry equipment evening event every everybody everyone
everything exam exchange exercise extra face facility family fee few fifteen film fine fire first
fish five flat flight floor flower food form four free friend fruit garage garden gas gate gift
girl glass glove gluten-free grandparent grant group guarantee guardian guest guide hair half hand
hat head heating help high highchair hire hirer holiday home hot hour house household indoor
infection injection insurance interest internet invoice iron item jacket job junior key kitchen
knife lamp landlord large last late laundry learner lens less lesson letter licence lid lifeguard
lift light loan local locker long lost low luggage lunch machine mail man many material meal meat
medication medicine meeting member membership men menu message milk mobile money month monthly more
most motorcycle movie music musician name national nearly neither new news newspaper night nine no-
one nobody noise none nurse nursery nut offer office old one online open opening order outdoor
outside owner packet pain paper parcel parent park parking part participant partner party passenger
passport password patient payment pensioner people percent permit person pet phone photo photograph
picnic picture place plant plastic plate player police policy post pregnant prescription present
price printer privacy prize problem procedure programme property public pupil quality quarter
question quiet rain ramp reader receipt reception recording red refund registration regular rent
repair request reservation resident result return review ride ring road room rubbish rule runner
safety sale salt sample school scooter season seat second security service session seven shirt shoe
shop short shower sign single six size skin small smaller smartwatch smoke smoking soil somebody
someone something son spare special spectator staff stairs stamp standard storage store story
student subscription swimmer swimming table tap taxi tea teacher team teenager ten tenant tent term
test text thing third thousand three ticket tile timetable toilet tool towel town toy traffic train
training transfer translation travel treatment tree trial trip twelve twenty two tyre under-16s
under-18s unit user vaccine van vehicle video visa visit visitor volunteer voucher wage warranty
waste water wedding week weekday weekend weekly whoever window wine winter woman women wooden work
worker workshop yard year young younger
"""

_SMALL = re.compile(r"(?<![\w.@/-])[a-z]+(?:['’-][a-z]+)*(?!\w)")
_FIRST = re.compile(r"(?<![\w.@/-])[A-Z][a-z]+(?:['’-][a-z]+)*(?!\w)")
_INSIDE = re.compile(r"(?<=[a-z,;] )[A-Z][\w’'-]*")
_LOUD = re.compile(r"(?<![\w.@/-])[A-Z][A-Z&]+(?![\w.])")
_SENTENCE = re.compile(r"[.!:;]['\"”’)]*\s*$|^.{90}")  # a line that is no heading
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Capitals:
    """What the lines of a document tell: `common` words (small letters), `names` (words that have
    a capital inside a sentence), `loud` ones (all capitals, in a line that isn't), `pairs` of
    neighbours that both have a capital in a sentence ("Harbour Plan")."""

    common: frozenset[str]
    names: frozenset[str]
    loud: frozenset[str]
    pairs: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, text: str) -> Capitals:
        """Linear in the length of `text`."""
        lines = [line for line in text.split("\n") if _SENTENCE.search(line)]
        said = "\n".join(line for line in lines if not line.startswith("#"))
        names = frozenset(_INSIDE.findall(said))
        small = frozenset(_SMALL.findall(text))
        known = {stem(word) for word in small} | _everyday()
        begun = {word for word in _FIRST.findall(text) if word not in names}
        small |= {word.lower() for word in begun if stem(word.lower()) in known}
        beside = {pair for line in lines for pair in pairwise(line.split())}
        pairs = frozenset(
            (_bare(a), _bare(b)) for a, b in beside if a[:1].isupper() and b[:1].isupper()
        )
        quiet = "\n".join(line for line in text.split("\n") if not line.isupper())
        return cls(small, names, frozenset(_LOUD.findall(quiet)), pairs)

    def heading(self, heading: str) -> str:
        """`heading` as a sentence has it: "Changing The Password" as "Changing the password",
        "TICKETS" as "Tickets"; names and abbreviations stay, and what may be one."""
        if heading.isupper():
            return self._less_loud(heading)
        words: list[str] = []
        run: list[str] = []  # neighbours with capitals: "Mill Lane", "Bank of Leeds"
        said = heading.split(" ")
        for at, word in enumerate(said):
            small = word.lower() in FUNCTION_WORDS
            if (word[:1].isupper() and not small) or (run and word == "of"):
                run.append(word)
                continue
            words += self._settled(run)
            run = []
            quiet = small and (not word.isupper() or (word == "A" and at < len(said) - 1))
            words.append(word.lower() if quiet else word)
        settled = " ".join([*words, *self._settled(run)])
        return settled[:1].upper() + settled[1:] if said[0][:1].isupper() else settled

    def _less_loud(self, heading: str) -> str:
        loud = [w for w in _WORD.findall(heading) if w.lower() not in FUNCTION_WORDS]
        telling = [w for w in loud if w not in self.loud]
        if not telling or not all(len(w) > 5 or self._is_known(w.lower()) for w in telling):
            return heading  # may be abbreviations
        quiet = _WORD.sub(lambda found: self._quiet(found[0]), heading)
        return quiet[:1].upper() + quiet[1:]

    def _quiet(self, word: str) -> str:
        if word in self.loud and word.lower() not in FUNCTION_WORDS:
            return word
        named = word.capitalize()
        return named if named in self.names and word.lower() not in self.common else word.lower()

    def _is_known(self, word: str) -> bool:
        verb = is_verb_form(word) or is_verb_form(f"{word}s")
        return verb or word in self.common or stem(word) in _everyday()

    def _is_plain(self, word: str) -> bool:
        """Is it a word that a sentence writes small? "Wi-Fi", "X2" and "GDPR" are none."""
        bare = _bare(word)
        return bare[1:].islower() and (
            bare.lower() in FUNCTION_WORDS or self._is_known(bare.lower())
        )

    def _settled(self, run: list[str]) -> list[str]:
        """`run` in small letters, but for abbreviations; as it is where it is, or has, a name."""
        bare = [_bare(word) for word in run]
        named = any(not self._is_plain(w) and w[1:].islower() and "-" not in w for w in bare)
        if named or not self.pairs.isdisjoint(pairwise(bare)):
            return run
        return [w.lower() if self._is_plain(w) else w for w in run]


def _bare(word: str) -> str:
    return word.strip(".,:;!?()[]\"'“”‘’*")


@cache
def _everyday() -> frozenset[str]:
    return frozenset(stem(word) for word in _EVERYDAY.split())
