"""Other languages and texts without meaning are refused, odd English isn't."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.routing.language import foreign_language, is_gibberish
from bot.wording import clean


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Ist MS tödlich?", "German"),
        ("wie lange lebt man mit als", "German"),
        ("was ist der unterschied zwischen ms und als", "German"),
        ("¿Cuántas personas tienen esclerosis múltiple?", "Spanish"),
        ("cuanto tiempo vive una persona con ela", "Spanish"),
        ("Est-ce que la SLA est mortelle ?", "French"),
        ("quelle est la différence entre les deux maladies", "French"),
        ("qual è la differenza tra le due malattie", "Italian"),
        ("qual é a diferença entre as duas doenças", "Portuguese"),
        ("wat is het verschil tussen ms en als", "Dutch"),
        ("is ms erfelijk of niet", "Dutch"),
        ("ALS nedir", "Turkish"),
        ("czy stwardnienie rozsiane jest dziedziczne", "Polish"),
        ("vad är skillnaden mellan ms och als", "Swedish"),
        ("mitä on als", "Finnish"),
        ("apa itu penyakit als", "Indonesian"),
        ("что такое рассеянный склероз", "Cyrillic"),
        ("什么是渐冻症", "Cjk"),
        ("ما هو التصلب المتعدد", "Arabic"),
        ("एमएस क्या है", "Devanagari"),
    ],
)
def test_another_language_is_named(question: str, language: str) -> None:
    assert foreign_language(question) == language


@pytest.mark.parametrize(
    "question",
    [
        "als",
        "ms vs als",
        "als life expectancy",
        "demyelination effect",
        "Guillain-Barré syndrome",
        "Ménière's",
        "sclerosis multiplex",
        "status epilepticus in vitro",
        "von Willebrand disease",
        "El Paso clinic",
        "café au lait spots",
        "β-interferon",
        "wich age do ppl get als diagnosd",
        "my abuela has ms, is it hereditary",
        "mera papa ko als hai what is the treatment",
        "what does c'est la vie mean",
        "Zinbryta tecfidera",
        "was ms known in 1800",
        "is it on the page",
        "",
        "?",
    ],
)
def test_odd_english_is_english(question: str) -> None:
    assert foreign_language(question) is None


@pytest.mark.parametrize(
    "text",
    ["", " ", "?", "...!", "😀😀", "\x00\x07", "aaaaaaa", "asdkjh qwpoei zzxm", "qwerty", "hjkl"],
)
def test_noise_is_gibberish(text: str) -> None:
    assert is_gibberish(text)


@pytest.mark.parametrize(
    "text",
    [
        "ms",
        "als",
        "rrms",
        "ppms spms",
        "hsct",
        "xyrem",
        "ocrelizumab",
        "dimethyl fumarate",
        "wats diffrence btwn ms n als",
        "2",
        "why",
        "Uhthoff phenomenon",
        "rhythm",
        "c9orf72",
    ],
)
def test_keywords_names_and_typos_are_no_gibberish(text: str) -> None:
    assert not is_gibberish(text)


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    foreign_language(text)
    assert is_gibberish(text) in (True, False)


@given(st.text(st.characters(categories=["P", "S", "Z", "Cc"]), max_size=30))
def test_a_text_without_letters_is_gibberish(text: str) -> None:
    assert is_gibberish(text) or any(c.isalnum() for c in clean(text))
