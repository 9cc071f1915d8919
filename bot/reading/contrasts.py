"""Where a question says other than a sentence: another number, the opposite word, a denial.

Unanswerable questions are often an answerable one with a detail changed: every other word still
matches, so that neither words nor meaning tell. These rules look for the detail. They are signals
for a model to weigh, never a verdict.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bot.wording import stem, words

Number = tuple[str, float]  # sort ("count", "year", "place": first, 19th) and value

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SMALL = {w: float(n) for n, w in enumerate(_UNITS)}
_SMALL |= {w: 10.0 * n for n, w in enumerate(_TENS, 2)} | {"dozen": 12.0}
_SCALE = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_PLACES = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
_PLACE = {w: float(n) for n, w in enumerate(_PLACES, 1)}
_TOKEN = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)*")
_YEARS = (1000, 2099)
_NO_COUNT = frozenset({"of", "another", "or"})  # "one of them", "one another", "one or more"
_NO_ONE = frozenset({"which", "this", "that", "the", "no", "any", "every", "each", "only", "some"})

# Words that exclude each other, by group; a question with one is not answered of another. May is
# left out, for it is more often no month.
_GROUPS = (
    "january february march april june july august september october november december",
    "monday tuesday wednesday thursday friday saturday sunday",
    "spring summer autumn winter",
    "north south east west",
    "northern southern eastern western",
    "early late mid",
    "earlier later",
    "earliest latest",
    "morning afternoon evening night",
    "daily weekly monthly yearly annually",
    "red blue green yellow white black brown orange purple grey",
    "always never sometimes rarely often",
    "all none some",
    "best worst",
    "highest lowest",
    "largest smallest biggest",
    "longest shortest",
    "oldest newest youngest",
    "most least fewest",
    "more less fewer",
    "first last",
    "before after during",
    "inside outside",
    "above below",
    "husband wife",
    "king queen",
    "father mother son daughter brother sister",
    "men women children",
    "man woman boy girl",
    "male female",
    "army navy",
    "hundreds thousands millions billions",
    "once twice",
)
# Opposites; each side may have several words, all of which exclude all of the other.
_OPPOSITES = """
maximum/minimum maximal/minimal upper/lower high/low higher/lower large/small larger,bigger/smaller
big/small long/short longer/shorter old/new,young,modern older/newer,younger good/bad,poor
better/worse strong/weak stronger/weaker easy,simple/difficult,hard,complex easier/harder
hot,warm/cold,cool fast,quick,rapid/slow faster,quicker/slower rich,wealthy/poor heavy/light
wide/narrow deep/shallow thick/thin full/empty open/closed,shut public/private
positive/negative active/passive major/minor majority/minority superior/inferior senior/junior
primary/secondary internal/external interior/exterior domestic,internal/foreign
local,regional/national,global national/international urban/rural modern/ancient,traditional
common/rare,uncommon frequent/rare similar/different same/different,other simple/complex
permanent/temporary natural/artificial true/false right/wrong correct/incorrect left/right
legal/illegal guilty/innocent safe/dangerous successful/unsuccessful,failed success/failure
victory,win,won,victorious/defeat,loss,lose,lost winner/loser
increase,rise,rose,grow,grew,raise,expand/decrease,decline,fall,fell,reduce,lower,drop,shrink,shrank
gain/loss,lose,lost
begin,began,begun,start,commence,open/end,finish,stop,cease,close beginning/ending
accept,approve,support,allow,permit/reject,refuse,oppose,deny,prohibit,ban,forbid,forbade,prevent
agree/disagree agreement/disagreement include/exclude including/excluding add/remove
build,built,create/destroy,demolish buy,bought,purchase/sell,sold import/export attack/defend
enter,arrive,join,came/leave,left,depart,exit arrival/departure love/hate like/dislike
praise/criticise,criticize,criticism remember/forget employment/unemployment appear/disappear
strengthen/weaken encourage,promote/discourage,prevent improve/worsen advance/retreat
capture/release borrow/lend,lent send,sent/receive give,gave,given/take,took,taken,receive
succeed,success/fail,failure teacher/student employer/employee
parent/child buyer/seller ally,friend/enemy allies/enemies peace/war life/death born/died
birth/death
alive/dead advantage/disadvantage benefit/harm strength/weakness profit/loss supply/demand
cause/effect question/answer problem/solution day/night past/future
former,previous/current,latter,next
before,prior/after following/preceding,previous ancestor/descendant top/bottom front/back,rear
near/far,distant nearest/farthest,furthest together/apart with/without presence/absence
everyone,everybody/nobody everything/nothing always/never indoors/outdoors upstream/downstream
north/south east/west northeast/southwest northwest/southeast northern/southern eastern/western
land/sea ocean/land offensive/defensive theoretical/practical direct/indirect formal/informal
voluntary/compulsory,mandatory optional/mandatory,required innate/acquired,adaptive
civilian/military religious/secular catholic/protestant conservative/liberal left-wing/right-wing
democratic/authoritarian wet/dry solid/liquid,gas absolute/relative continuous/discrete
finite/infinite even/odd horizontal/vertical forward,forwards/backward,backwards up/down
upward,upwards/downward,downwards ascend/descend push/pull attract/repel hide/reveal,show
expensive/cheap abundant,plentiful/scarce famous/unknown important/trivial,insignificant
""".split()
MODIFIERS = frozenset(
    map(
        stem,
        "first last only most least largest smallest biggest highest lowest best worst oldest "
        "newest former formerly original originally initial initially main sole exactly always "
        "never every all entire current currently still already early late earlier later modern "
        "ancient previous next final once twice another other total new old primary major few many "
        "several half both second third non without".split(),
    )
)
_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "anti", "counter")
_NEGATIONS = frozenset(
    "not never no none without nor neither cannot except fail fails failed refuse refused lack "
    "lacks lacked unable nobody nothing hardly rarely seldom".split()
)
_REACH = 4  # words after a negation that it may deny


def _contraries() -> Mapping[str, frozenset[str]]:
    """Stem -> stems that exclude it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for group in _GROUPS:
        for one, other in combinations([stem(w) for w in group.split()], 2):
            found[one].add(other)
            found[other].add(one)
    for line in _OPPOSITES:
        left, right = ([stem(w) for w in side.split(",")] for side in line.split("/"))
        for one in left:
            found[one].update(right)
        for other in right:
            found[other].update(left)
    return {word: frozenset(others - {word}) for word, others in found.items()}


CONTRARIES = _contraries()


@dataclass(frozen=True, slots=True)
class Said:
    """What can be contradicted in a text. `numbers` are (sort, value)."""

    stems: tuple[str, ...]
    held: frozenset[str]
    numbers: frozenset[Number]
    denied: frozenset[str]  # stems that stand within `_REACH` words after a negation

    @classmethod
    def of(cls, text: str) -> Said:
        spoken = words(text)
        stems = tuple(stem(w) for w in spoken)
        denied = {
            s
            for at, word in enumerate(spoken)
            if word in _NEGATIONS or word.endswith("n't")
            for s in stems[at + 1 : at + 1 + _REACH]
        }
        return cls(stems, frozenset(stems), frozenset(_numbers(text)), frozenset(denied))


def contrary(question: Said, sentence: Said) -> float:
    """How many words of the question the sentence lacks while it says their opposite; 0..2."""
    found = 0
    for word in dict.fromkeys(question.stems):
        if word in sentence.held:
            continue
        if CONTRARIES.get(word, frozenset()) & sentence.held or _prefixed(word, sentence.held):
            found += 1
    return float(min(2, found))


def _prefixed(word: str, held: frozenset[str]) -> bool:
    """Whether the word with a negating prefix, or without its own, is `held`."""
    if len(word) < 4:
        return False
    return any(
        prefix + word in held
        or (word.startswith(prefix) and len(word) > len(prefix) + 3 and word[len(prefix) :] in held)
        for prefix in _PREFIXES
    )


def other_number(question: Said, sentence: Said) -> float:
    """How many numbers of the question the sentence lacks, having another of the sort; 0..2."""
    sorts = {sort for sort, _ in sentence.numbers}
    lacking = [n for n in question.numbers - sentence.numbers if n[0] in sorts]
    return float(min(2, len(lacking)))


def numbers_missing(question: Said, held: Iterable[Number]) -> float:
    """How many numbers of the question are not among those `held`; 0..2."""
    return float(min(2, len(question.numbers - frozenset(held))))


def modifiers_missing(question: Said, sentence: Said) -> float:
    """How many words that narrow the question down ("first", "former") the sentence lacks; 0..2."""
    return float(min(2, len((MODIFIERS & frozenset(question.stems)) - sentence.held)))


def denial(question: Said, sentence: Said, terms: Sequence[str]) -> float:
    """Share of the question's `terms` that only one of the two denies, 0..1."""
    shared = [t for t in terms if t in sentence.held]
    if not shared:
        return 0.0
    return sum((t in sentence.denied) != (t in question.denied) for t in shared) / len(shared)


def _numbers(text: str) -> set[Number]:
    tokens = [t.lower() for t in _TOKEN.findall(text)]
    found: set[Number] = set()
    at = 0
    while at < len(tokens):
        token = tokens[at]
        after = tokens[at + 1] if at + 1 < len(tokens) else ""
        if token in _PLACE:
            found.add(("place", _PLACE[token]))
        elif token[0].isdecimal() and after in ("st", "nd", "rd", "th"):
            found.add(("place", _value(token)))
            at += 1
        elif token[0].isdecimal() or token in _SMALL:
            plain = token.isdecimal() and len(token) == 4
            value, begin = _value(token), at
            while at + 1 < len(tokens) and tokens[at + 1] in (_SCALE.keys() | _SMALL.keys()):
                at += 1
                more = tokens[at]
                value = value * _SCALE[more] if more in _SCALE else value + _SMALL[more]
            after = tokens[at + 1] if at + 1 < len(tokens) else ""
            if plain and at == begin and _YEARS[0] <= value <= _YEARS[1]:
                found.add(("year", value))
            elif not (token == "one" and begin == at and _vague(tokens, at)):
                found.add(("count", value))
        elif token in _SCALE:
            found.add(("count", _SCALE[token]))
        at += 1
    return found


def _vague(tokens: Sequence[str], at: int) -> bool:
    """Whether this "one" counts nothing."""
    before = tokens[at - 1] if at else ""
    after = tokens[at + 1] if at + 1 < len(tokens) else ""
    return before in _NO_ONE or after in _NO_COUNT or not after


def _value(token: str) -> float:
    return _SMALL[token] if token in _SMALL else float(token.replace(",", ""))
