"""The main clause of an English sentence, read off its surface.

No parser: the finite verb is the first auxiliary, or the first form of a known verb, behind a
subject of a few words. Where that is not certain there is no clause, and no question is drawn;
better none than one that reads wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest

_BE = frozenset("is are was were am".split())
_MODALS = frozenset("can could may might must should will would cannot".split())
_HAVE = frozenset("has have had".split())
AUXILIARIES = _BE | _MODALS | _HAVE | frozenset("does do did".split())

# Verbs whose forms are taken for the finite verb of a clause: a closed list keeps plural nouns
# and participles out. "base" is regular, "base past" is not, "base past participle" in full.
_VERBS = """
accept achieve act adopt affect allow appear apply argue arise,arose arrive ask assert assist attack
attract bar base become,became begin,began believe belong blame border borrow break,broke
bring,brought build,built call cancel carry cause cease celebrate change charge choose,chose claim
close collapse collect combine come,came comprise conclude conquer consider consist constitute
construct contain continue contribute control convert cost,cost cover create criticise criticize
cross damage decide declare decline defeat defend define deliver demand deny depend describe destroy
determine develop die differ discover discuss distinguish divide dominate draw,drew drive,drove earn
elect emerge emphasize employ enable encourage end enforce enjoy ensure enter establish estimate
evolve exceed exist expand experience expire explain exploit explore express extend face fail
fall,fell favor favour feature feel,felt fight,fought find,found flee,fled flow follow force form
found fund gain generate get,got give,gave govern grant grow,grew happen help hold,held identify
impact implement impose improve include increase influence inherit insulate introduce invade invent
invest involve issue join justify keep,kept kill know,knew lack last launch lead,led learn
leave,left legitimize lend,lent lie,lay limit live locate lose,lost maintain make,made manage mark
mean,meant measure meet,met mention merge move name need note number obtain occupy occur offer open
operate oppose organise organize originate oversee,oversaw overthrow,overthrew own participate pass
pay,paid perform permit persecute play possess precede predict prefer prevent proclaim produce
prohibit promote propose protect prove provide publish put,put raise range reach receive recognise
recognize reduce refer refuse regard reject rejoin rely remain remove renew repair replace report
represent require resist result retain return reveal rise,rose rule run,ran say,said see,saw
seek,sought seem sell,sold send,sent separate serve set,set settle share show sign signify
speak,spoke spread,spread stand,stood start state stop study succeed suffer suggest supply support
surrender surround take,took teach,taught tell,told tend think,thought threaten trade train transfer
treat try turn understand,understood undertake,undertook use utilize vary view violate visit vote
wait want wash weaken wear,wore weigh win,won withdraw,withdrew work write,wrote yield
"""
# Forms of the list that are plain nouns or adjectives far more often.
_NOUNS = frozenset(
    "acts forms names states means uses causes forces ends marks numbers ranges reports results "
    "changes charges claims covers trades turns views votes works limits controls attacks "
    "increases demands needs plays rises rules runs sets shares shows signs stands starts stops "
    "studies supplies supports treats wants moves issues faces features favors favours fights "
    "finds flows funds gains grants helps holds influences lies lives looks measures notes offers "
    "opens passes experiences bars bases borders breaks calls costs crosses declines draws drives "
    "estimates impacts repairs waits lacks lasts leads matches leaves makes".split()
)
_PLAIN_PLURAL = frozenset(
    "affect allow apply belong cause come consist contain depend differ exist help include "
    "involve lead live need occur provide receive remain require seem suffer tend use vary cost "
    "offer make take become accept share".split()
)
_DETERMINERS = frozenset(
    "a an the its their his her our my your this that these those no some any several many few "
    "each every both all most other such more".split()
)
_ACTED_ON = frozenset("a an the its their his her our my your sure".split())
_PREPOSITIONS = frozenset(
    "but of in on at by for with from to into as about between under over through during against "
    "among without within and or".split()
)
_NO_SUBJECT = frozenset(  # a word that begins no subject, or shows that a clause has come between
    "who which that whose whom where when if because while although though since whether what how "
    "why not after before until unless".split()
)
PRONOUNS = frozenset("it they he she i this that these those one".split())
# The document speaks to its reader; the reader asks the document.
_TURNED = {"your": "my", "yours": "mine", "yourself": "myself", "you": "me", "our": "your"}
_TURNED |= {"us": "you", "ours": "yours", "we": "you", "ourselves": "yourselves"}
_BEFORE_ACTING = frozenset(  # "when you book" becomes "when I book"
    "when if while because unless once until where that which what whether".split()
)
_BEHIND_ACTING = _MODALS | frozenset("already also always never only still".split())
_SPEAKERS = frozenset("i we you they".split())  # their verb stands next to them
_ORDER = re.compile(  # no subject, but a verb that tells the reader what to do
    r"please\b|(?:ask|bring|call|check|choose|click|contact|fill|follow|give|go|hold|keep|leave|let|"
    r"look|make|open|pay|press|put|return|select|send|speak|take|tell|turn|use|visit|write)\s"
    r"(?:us|me|it|them|the|an?|your|our|all|any|early|straight|out|to|on|in)\b",
    re.I,
)
_LEAD_IN = re.compile(
    r"(?:in|on|at|by|for|with|from|to|as|during|after|before|since|until|under|over|through|"
    r"throughout|because|due|despite|although|though|while|when|if|once|unlike|like|according|"
    r"following|among|between|against|given|along|beginning|starting|within|without|upon|where|"
    r"nowadays|today|currently|recently|originally|initially|eventually|historically|finally|"
    r"generally|usually|often|sometimes|typically|traditionally)\b"
    r"(?:[^,;:]|,(?=\d))*(?:, (?:which|who|where)\b[^,;:]*)?,\s+",
    re.I,
)
CONNECTIVE = re.compile(
    r"(?:however|in contrast|by contrast|on the contrary|therefore|thus|hence|also|moreover|"
    r"furthermore|further|in addition|additionally|consequently|as a result|accordingly|"
    r"for example|for instance|instead|otherwise|nevertheless|nonetheless|similarly|likewise|"
    r"meanwhile|on the other hand|rather|indeed|in fact|in other words|then|besides|still|"
    r"specifically|in particular|particularly|as such|in turn|at the same time|first|second|third|"
    r"secondly|thirdly|firstly|finally|lastly)\s*,\s+|(?:but|and|so|yet|or|thus|hence|therefore|"
    r"nor|then)\s+(?=\S)",
    re.I,
)
_LABEL = re.compile(r"^(?:Please )?[Nn]ote:? |^(?:Tip|Important|Warning|Example|Disclaimer): ")
_EXPLETIVE = re.compile(  # "It was not until 1271 that", "It is possible to"
    r"(?:\w+ ){1,3}?(?:until|\w+ (?:that|to|whether|how|why))\b"
)
_YEAR = re.compile(r"\b[12]\d{3}\b")
_COMMON_ENDING = re.compile(
    r"^[A-Z][a-z]{2,}(?:tion|ment|ness|ity|ing|ed|ous|ive|ary|ance|ence|ship)s?$"
)
_PARENTHESIS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_FILLERS = re.compile(
    r",? also(?= )|, (?:however|therefore|thus|moreover|for example|for instance),(?= )"
)
_PARTICIPLES = frozenset(
    "been become come had made led built found held kept left lost met set put run won "
    "begun seen taken given taught sold bought paid sent told brought caught thought done gone "
    "written spoken grown known shown worn broken chosen driven eaten fallen risen".split()
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A main clause in the parts that a question puts in another order.

    lead      the adverbial before the subject ("In 1914"), or ""
    subject   "the empire", in the case it has inside a sentence
    auxiliary what a question puts before the subject: "is", "can", "did"; "" where the base form
              of the verb is not known, so that only the subject can be asked for
    verb      what stays behind the subject: "contain"; "" behind a form of "be" or "have"
    surface   the verb as the sentence has it: "contained", "can contain"
    negated   the verb says no: "cannot"
    rest      everything behind the verb, without the closing stop
    """

    lead: str
    subject: str
    auxiliary: str
    verb: str
    surface: str
    rest: str
    negated: bool = False

    @property
    def copular(self) -> bool:
        return self.auxiliary in _BE

    def inverted(self, rest: str) -> str:
        """ "did the empire contain REST": the order of a question."""
        return " ".join(w for w in (self.auxiliary, self.subject, self.verb, rest) if w)


def read_clause(
    sentence: str, *, common: frozenset[str] = frozenset(), standing_for: str = ""
) -> Clause | None:
    """The main clause of `sentence` (plain text), or None where the surface doesn't tell.

    `common` holds words that the document writes in small letters: they lose the capital of a
    sentence's beginning. A pronoun for a subject is replaced by `standing_for`, the subject of
    the sentence before, where there is one; else such a sentence has no clause.
    """
    text = (
        _FILLERS.sub("", _PARENTHESIS.sub("", sentence))
        .replace('"', "")
        .strip("“” ")
        .rstrip(" .!?;:…\"'”’")
    )
    text = strip_connective(_LABEL.sub("", text))
    lead = ""
    if match := _LEAD_IN.match(text):
        lead, text = match[0].rstrip(", "), text[match.end() :]
    tokens = text.split()
    if _ORDER.match(text) or orders(tokens):
        return None
    at = _verb_at(tokens)
    if at is None:
        return None
    subject = _subject(tokens[:at])
    if subject is None:
        return None
    if subject.lower() in PRONOUNS:
        if _EXPLETIVE.match(" ".join(tokens[at:])):
            return None
        if not standing_for or subject.lower() not in ("it", "they", "he", "she"):
            return None
        subject = standing_for
    subject = mid_sentence(subject, common)
    speaks_to_reader = subject.lower() == "you"
    tokens = turned(" ".join(tokens[at:])).split()
    if speaks_to_reader and tokens[0] in ("are", "were"):
        tokens[0] = "am" if tokens[0] == "are" else "was"
    return _clause(turned(lead), "I" if speaks_to_reader else turned(subject), tokens)


def orders(tokens: Sequence[str]) -> bool:
    """Does it begin with a verb in its plain form before what it acts on ("Create a file")?"""
    following = tokens[1].lower() if len(tokens) > 1 else ""
    return tokens[:1] != [] and tokens[0].lower() in _bases() and following in _ACTED_ON


def strip_connective(sentence: str) -> str:
    """`sentence` without "However," and the like before it, its first letter a capital."""
    rest = CONNECTIVE.sub("", sentence, count=1) if CONNECTIVE.match(sentence) else sentence
    return rest[:1].upper() + rest[1:]


def turned(text: str) -> str:
    """`text` with the reader as the one who speaks: "your order" becomes "my order"."""
    words: list[str] = []
    tokens = text.split()
    for word, following in zip_longest(tokens, tokens[1:], fillvalue=""):
        plain = word.lower().strip(".,")
        if words and words[-1] == "I" and plain in ("are", "were"):
            words.append({"are": "am", "were": "was"}[plain])
            continue
        before = not words or words[-1].lower() in _BEFORE_ACTING
        acts = plain == "you" and (before or following in _BEHIND_ACTING)
        words.append("I" if acts else _TURNED.get(plain, word))
    return " ".join(words)


def mid_sentence(phrase: str, common: frozenset[str] = frozenset()) -> str:
    """`phrase` as it stands inside a sentence: its first word small if it is a common one."""
    first, _, rest = phrase.partition(" ")
    small = first.lower()
    if small in _DETERMINERS or small in _PREPOSITIONS or small == "there":
        return f"{small} {rest}".strip()
    if rest[:1].isupper() or rest.startswith("> "):
        return phrase  # a name: "Emperor Gegeen Khan", "Settings > Network"
    if small in common or re.sub(r"['’]s$", "", small) in common or _COMMON_ENDING.search(first):
        return f"{small} {rest}".strip()
    return phrase


def is_verb_form(word: str) -> bool:
    """Is `word` a finite form of a known verb or an auxiliary, and hardly ever a noun?"""
    return (word in _forms() and word not in _NOUNS) or word in AUXILIARIES


@cache
def _forms() -> dict[str, tuple[str, str]]:
    """Form -> (auxiliary of its question, base form)."""
    forms: dict[str, tuple[str, str]] = {}
    for entry in _VERBS.split():
        base, _, irregular = entry.partition(",")
        if base in _PLAIN_PLURAL:
            forms[base] = ("do", base)
        forms[_third_person(base)] = ("does", base)
        forms[irregular or _past(base)] = ("did", base)
    forms["found"] = ("did", "find")
    return forms


@cache
def _bases() -> frozenset[str]:
    return frozenset(entry.partition(",")[0] for entry in _VERBS.split())


def _third_person(base: str) -> str:
    if base.endswith(("s", "sh", "ch", "x", "z")):
        return base + "es"
    return base[:-1] + "ies" if re.search(r"[^aeiou]y$", base) else base + "s"


def _past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if re.search(r"[^aeiou]y$", base):
        return base[:-1] + "ied"
    doubled = base in ("bar", "permit", "refer", "stop", "transfer", "prefer", "occur", "control")
    return base + (base[-1] if doubled else "") + "ed"


def _verb_at(tokens: list[str]) -> int | None:
    """Index of the finite verb, behind a subject of at most fourteen words."""
    spoken = bool(tokens) and tokens[0].lower() in _SPEAKERS
    if spoken and len(tokens) > 1 and tokens[1].lower() in _bases() - _forms().keys():
        return 1
    for i, token in enumerate(tokens[: 3 if spoken else 15]):
        word = token.lower().strip("\"'“”‘’")
        if word in _NO_SUBJECT:
            return None
        if i and re.fullmatch(
            r"(?:is|are|was|were|do|does|did|ca|wo|could|should|would|has|have)n['’]t", word
        ):
            return i
        if i and word in AUXILIARIES:
            return i
        if i and word in _forms() and _is_verb(tokens, i, word):
            return i
        if i and _unknown_past(tokens, i):
            return i
    return None


def _unknown_past(tokens: list[str], i: int) -> bool:
    """ "Kublai besieged Xiangyang": a form in "ed" between a name and an object."""
    if not re.fullmatch(r"[a-z]{3,}ed", tokens[i]) or i + 1 == len(tokens):
        return False
    before, after = tokens[i - 1], tokens[i + 1]
    named = before[:1].isupper() and before.lower() not in _DETERMINERS | _PREPOSITIONS
    return named and (after.lower() in _DETERMINERS or after[:1].isupper())


def _is_verb(tokens: list[str], i: int, word: str) -> bool:
    before = tokens[i - 1].lower().strip("\"'“”‘’,")
    after = tokens[i + 1].lower() if i + 1 < len(tokens) else ""
    auxiliary, _ = _forms()[word]
    if before in _DETERMINERS | _PREPOSITIONS or before in AUXILIARIES or tokens[i][0].isupper():
        return False
    if auxiliary == "do":
        return _many(before)
    if word in _NOUNS and not after:
        return not before.endswith("s")
    if word in _NOUNS and (after in _PREPOSITIONS | AUXILIARIES):
        return after in ("to", "in", "from") and before[-1:] != "s" and len(tokens) - i > 2
    later = [t.lower() for t in tokens[i + 1 : i + 9]]
    participle = auxiliary == "did" and (
        after in ("by", "as", "in", "to", "for", "with") or not after
    )
    return not (participle and any(t in AUXILIARIES or t in _forms() for t in later))


def _subject(tokens: list[str]) -> str | None:
    """The subject's words, an apposition in commas left out; None for what is no plain subject."""
    text = " ".join(tokens)
    if text.count(", ") == 1 and text.endswith(","):
        text = text.partition(",")[0]
    listed = ", and " in text or ", or " in text
    first = tokens[0].lower() if tokens else ""
    if re.search(r" (?:and|or|but|so)(?: (?:you|we|they|he|she|it|I))?$", text):
        return None  # a clause has come before: "Files stay here and [are kept]"
    if first in ("about", "over", "under") and tokens[1][:1].isdigit():
        first = ""  # "about 20,000 people"
    if (
        not tokens
        or (", " in text and not listed)
        or text.endswith(",")
        or ";" in text
        or ":" in text
        or first in _PREPOSITIONS
    ):
        return None
    if first.endswith("ly") or re.search(r"[\"“”|–—]", text) or len(text.split()) > 12:
        return None
    return re.sub(r" (?:also|often|still|only|now|never|always|later|then|[a-z]+ly)$", "", text)


def _many(subject: str) -> bool:
    """Does `subject` name more than one, going by its last word?"""
    last = subject.lower().rpartition(" ")[2]
    if last in ("people", "men", "women", "children", "they", "you", "we"):
        return True
    return last.endswith("s") and not last.endswith("ss")


def _clause(lead: str, subject: str, tokens: list[str]) -> Clause | None:
    tokens[0] = tokens[0].strip("\"'“‘”’,")
    word = tokens[0].lower()
    tail = [t for i, t in enumerate(tokens[1:]) if not (i < 2 and t.lower() in ("also", "thus"))]
    if word == "cannot" or word.endswith(("n't", "n’t")):
        word, tail = {"cannot": "can", "won't": "will"}.get(word, word[:-3]), ["not", *tail]
        word = {"ca": "can", "wo": "will"}.get(word, word)
    if tail[:1] == ["not"] and word in AUXILIARIES and word not in _BE:
        return Clause(lead, subject, word, "", word, " ".join(tail[1:]), negated=True)
    if word in _BE:
        return Clause(lead, subject, word, "", word, " ".join(tail))
    if not tail:
        return Clause(lead, subject, *_forms()[word], word, "") if word in _forms() else None
    after = next(
        (t.lower() for t in tail if not t.endswith("ly") and t not in ("not", "since")), ""
    )
    if word in _HAVE and not (re.search(r"(?:ed|en|wn)$", after) or after in _PARTICIPLES):
        auxiliary = {"has": "does", "have": "do", "had": "did"}[word]
        return Clause(lead, subject, auxiliary, "have", word, " ".join(tail))
    if word in AUXILIARIES:
        surface = f"{word} {tail[0]}"
        return Clause(lead, subject, word, tail[0], surface, " ".join(tail[1:]))
    auxiliary, base = _forms().get(word, ("do", word) if word in _bases() else ("", ""))
    if word == base in _PLAIN_PLURAL and _many(subject) and not _YEAR.search(" ".join(tail)):
        auxiliary = "do"  # "Tickets cost £5" is said of now, unless it says when
    return Clause(lead, subject, auxiliary, base, tokens[0], " ".join(tail))
