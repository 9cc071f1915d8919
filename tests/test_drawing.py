"""Drawing pairs: units, questions, the round trip, and lists of questions."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_encoder import bag_of_stems

from bot.documents.documents import document_from_text, read_document
from bot.drawing.drawing import FAQ_DRAWER, draw_pairs, keep_consistent
from bot.drawing.phrases import (
    LAST_RESORT,
    asks_openly,
    begins_unresolved,
    heading_questions,
    key_phrases,
)
from bot.drawing.questions import questions_of
from bot.faqs.as_documents import faq_document
from bot.faqs.json_lines import read_rows
from bot.types import QUOTE_LIMIT, Document, QAPair

ARTICLE = Path(__file__).parents[1] / "knowledge" / "documents" / "ms-vs-als.txt"


def made(text: str, title: str = "T") -> Document:
    return document_from_text(text, id="d", title=title, source="d.txt")


def pairs_of(text: str, title: str = "T") -> dict[str, QAPair]:
    return {pair.answer: pair for pair in draw_pairs(made(text, title))}


# --- questions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("MS is an autoimmune disease that attacks myelin.", "What is MS?"),
        ("MS is not a fatal disease.", "Is MS a fatal disease?"),
        ("Sclerosis is caused by a breakdown in myelin.", "What causes Sclerosis?"),
        ("The empire contained 32 provinces.", "How many provinces did the empire contain?"),
        ("In the U.S., about 20,000 people have ALS.", "How many people have ALS in the U.S.?"),
        ("Around 10 percent of cases are inherited.", "What percentage of cases are inherited?"),
        ("Delivery costs $5.", "How much does Delivery cost?"),
        ("There is no entrance fee.", "Is there an entrance fee?"),
        ("There is no car park, but buses stop outside.", "Is there a car park?"),
        ("There are no refunds on tickets.", "Are there any refunds on tickets?"),
        ("Tickets cost $5 a day.", "How much do Tickets cost?"),
        ("Tickets cost $5 in 1990.", "How much did Tickets cost?"),
        ("There is no phone support.", "Is there phone support?"),
        ("Mrs Amara Bell is the headteacher.", "Who is the headteacher?"),
        ("Tenants in flats may keep one cat.", "Who may keep one cat?"),
        ("Memberships run month to month and you can cancel by email.", None),
        ("The files stay on your computer and are removed from the cloud.", None),
        ("Create a file called notes in the folder.", None),
        ("Make sure no file is open in another program.", None),
        ("The trial lasts 30 days.", "How long does the trial last?"),
        ("The Mongols beat.", None),
        ("The Mongols defeated the Song in 1279.", "When did the Mongols defeat the Song?"),
        ("It rose in 1279.", None),
        ("The war ended because the money was gone.", "Why did the war end?"),
        ("The castle was built in Warsaw.", "Where was the castle built?"),
        ("MS can affect the nerves.", "What can MS affect?"),
        ("The word refers to the coast.", "What does the word refer to?"),
        ("Kublai besieged the city.", "Who besieged the city?"),
        ("The dynasty was established by Kublai Khan.", "Who was the dynasty established by?"),
        ("The capital is called Daidu.", "What is the capital called?"),
        ("When ice melts, the sea level rises.", "What happens when ice melts?"),
        ("There are 32 teeth in a mouth.", "How many teeth are there in a mouth?"),
        ("To reset the clock, press the button.", "How do I reset the clock?"),
        ("Press the button to reset your clock.", "How do I reset my clock?"),
        ("You can return items within 30 days.", "Can I return items within 30 days?"),
        ("Please bring a list of the medicines you take.", "What should I bring?"),
        ("Please bring us a list of the medicines you take.", None),
        ("If you are in pain, call us as early as you can.", "What if I am in pain?"),
        ("If you cannot come, let us know by noon.", "What if I cannot come?"),
        ("If the group is too hard, tell us.", "What if the group is too hard?"),
        ("If it is too hard, tell us.", None),
        ("We may need to use drops.", None),
        ("The school has taught adults since 1998.", "When has the school taught adults?"),
        ("The shop lends tents for three weeks.", "What does the shop lend for three weeks?"),
        ("A child must be with a person of 16.", "Must a child be with a person of 16?"),
        ("We keep two slots free, and patients are seen.", "How many slots do you keep free?"),
        ("The park has 60 spaces and costs £4 a day.", "How many spaces does the park have?"),
        ("We accept returns within 30 days.", "Do you accept returns within 30 days?"),
        ("We do not ship to Canada.", "Do you ship to Canada?"),
        ("The ticket can't be refunded.", "Can the ticket be refunded?"),
        ("In contrast, ALS is a fatal disease with an average life expectancy of three years.",
         "What is the average life expectancy of ALS?"),
        ("This leads to the loss of control.", None),
        ("Hello there", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_rule_draws_the_question_a_visitor_would_ask(sentence: str, question: str | None) -> None:
    drawn = questions_of(sentence)
    assert (question in drawn) if question else drawn == ()


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        (
            "A visit costs £85 for patients who are not on the plan.",
            "Does a visit cost £85 for patients who are not on the plan?",
        ),
        (
            "A deposit is taken when you book a visit of more than 45 minutes.",
            "Is a deposit taken when I book a visit of more than 45 minutes?",
        ),
        ("Carers of a visitor do not pay.", "Do Carers of a visitor pay?"),
    ],
)
def test_yes_or_no_leaves_the_not_of_another_clause_and_turns_the_reader(
    sentence: str, question: str
) -> None:
    assert question in questions_of(sentence)


def test_a_pronoun_is_replaced_by_what_it_stands_for() -> None:
    assert "Is the empire a large state?" in questions_of(
        "It is a large state.", standing_for="the empire"
    )
    assert questions_of("It was not until 1271 that it rose.", standing_for="the empire") == ()


@given(st.text("abc ABC.,;:()[]\"'—-% 123 is of the in can because not who", max_size=120))
def test_a_drawn_question_is_readable(sentence: str) -> None:
    for question in questions_of(sentence):
        assert question.endswith("?")
        assert question == " ".join(question.split())
        assert 3 <= len(question.split()) <= 20
        assert question[0].isupper() or not question[0].isalpha()


@pytest.mark.parametrize(
    "sentence",
    ["This leads to it.", "It is.", "However, it rains.", "In contrast, ALS is.", "They left.",
     "The exact reason for this is not known.", "But it rained.", "The latter is true.",
     "From 2000 to 2007 it failed.", "Later he was asked.", "In Pakistan this change was slow."],
)  # fmt: skip
def test_a_start_that_leans_on_the_sentence_before_is_seen(sentence: str) -> None:
    assert begins_unresolved(sentence)
    assert not begins_unresolved("MS is a disease of this kind.")
    assert not begins_unresolved("Both MS and ALS are diseases.")
    assert not begins_unresolved("In 1900 it was found that mice sing.")
    assert not begins_unresolved("In 1900 the king said that he was ill.")


def test_a_heading_asks_for_what_stands_under_it() -> None:
    assert heading_questions("Symptoms", "Asthma") == (
        f"{LAST_RESORT} symptoms?",
        "What are the symptoms of Asthma?",
    )
    assert heading_questions("Can I return it?", "Shop") == ("Can I return it?",)
    assert heading_questions("The vaccine", "Shingles")[1] == "What is the vaccine of Shingles?"
    for heading in ("Borrowing a book", "Car park rules", "Going abroad", "Your data", "Not you"):
        assert all(q.startswith(LAST_RESORT) for q in heading_questions(heading, "Library"))


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("Opening hours", "What are the opening hours?"),
        ("Possible side effects", "What are the possible side effects?"),
        ("Getting here", f"{LAST_RESORT} getting here?"),
        ("Getting to the farm", "How do I get to the farm?"),
        ("How to pay your fine", "How do I pay my fine?"),
        ("What to wear", "What should I wear?"),
        ("If you take more than you should", "What if I take more than I should?"),
        ("Restore a deleted file", "How do I restore a deleted file?"),
        ("Exclude files", "How do I exclude files?"),
        ("Contact details", f"{LAST_RESORT} contact details?"),
        ("Error 507: storage full", "What does Error 507: storage full mean?"),
        ("Contact us", "How do I contact you?"),
        ("What are your fees", "What are your fees?"),
        ("What are our fees", "What are your fees?"),
        ("Who may drive", "Who may drive?"),
        ("ISBN", f"{LAST_RESORT} ISBN?"),
        ("Lido Lane: prices", f"{LAST_RESORT} Lido Lane: prices?"),
    ],
)
def test_a_heading_is_put_as_a_visitor_asks(heading: str, question: str) -> None:
    common = frozenset({"tickets", "prices"})
    assert heading_questions(heading, "All about this page of ours", common) == (question,)


def test_a_row_under_a_heading_in_the_plural_is_asked_for_in_words() -> None:
    pairs = pairs_of(
        "# Pool\n\n## Opening hours\n\n| Day | Pool |\n|---|---|\n| Sunday | 8 to 4 |\n"
    )
    assert pairs["| Sunday | 8 to 4 |"].question == "What are the opening hours for Sunday?"


def test_a_sentence_turned_round_is_no_open_question() -> None:
    assert asks_openly("How much do you charge?")
    assert asks_openly("???")  # whatever an owner's FAQ asks
    assert not asks_openly("Do you charge 20p a day?")
    assert not asks_openly(f"{LAST_RESORT} fines?")


def test_key_phrases_hold_no_verbs() -> None:
    assert key_phrases("Kublai rejected the Confucian imperial examinations.", {})[0] == (
        "Confucian imperial examinations"
    )


@pytest.mark.parametrize(
    ("sentence", "phrase"),
    [
        ("Ring us on 01632 960 288.", "01632 960 288"),
        ("3. Bring at most €15 pocket money.", "€15 pocket money"),
        ("We advise adults to come every two years.", "adults"),
        ("If you cannot come, let us know by noon.", "noon"),
        ("Try not to be late: it can leave scars.", "scars"),
        ("At the end you get it.", "“At the end you get it”"),
        ("2. Wait until you've been well again.", "“Wait until you've been well again”"),
        ("Most people get better within a year.", "“Most people get better within a year”"),
    ],
)
def test_a_key_phrase_is_no_order_and_says_something_by_itself(sentence: str, phrase: str) -> None:
    assert key_phrases(sentence, {})[0] == phrase


def test_a_question_of_last_resort_is_never_about_again() -> None:
    (pair,) = draw_pairs(made("Please come again soon, and see us then."))
    assert pair.question == f"{LAST_RESORT} “Please come again soon, and see us then”?"
    (pair,) = draw_pairs(made("Choose Settings > Network and wait."))
    assert pair.question == f"{LAST_RESORT} Settings > Network?"


# --- units ----------------------------------------------------------------------------------


def test_every_answer_stands_in_the_document() -> None:
    document = read_document(ARTICLE)
    pairs = draw_pairs(document)
    for pair in pairs:
        assert pair.provenance.evidence.of(document.text) == pair.answer
        assert pair.provenance.document_sha256 == document.sha256
        assert len(pair.answer) <= QUOTE_LIMIT
    questions = [pair.question for pair in pairs]
    assert len(set(questions)) == len(questions)
    assert len({pair.id for pair in pairs}) == len(pairs)
    quoted = {i for p in pairs for i in range(*_range(p))}
    headings = ("Disease course", "Late stages", "Affected functions")
    left = {
        i for h in headings for i in range(document.text.index(h), document.text.index(h) + len(h))
    }
    assert all(
        document.text[i].isspace() or i in left
        for i in range(len(document.text))
        if i not in quoted
    )


def _range(pair: QAPair) -> tuple[int, int]:
    return pair.provenance.evidence.start, pair.provenance.evidence.end


def test_the_article_draws_what_visitors_ask() -> None:
    by_question = {p.question: p for p in draw_pairs(read_document(ARTICLE))}
    assert by_question["What is MS?"].subjects == ("MS",)
    assert by_question["What is the average life expectancy of ALS?"].subjects == ("ALS",)
    assert by_question["How many people have ALS in the U.S.?"].answer.startswith("In the U.S.")


def test_a_sentence_that_leans_is_quoted_with_the_one_before() -> None:
    text = "The sky is blue. This has a reason. However, few know it."
    assert list(pairs_of(text)) == [
        "The sky is blue.",
        "The sky is blue. This has a reason.",
        text,
    ]


def test_a_sentence_that_leans_on_too_much_stands_alone() -> None:
    long = "The sky " + "very " * 85 + "blue."
    assert "This has a reason." in pairs_of(f"{long} This has a reason.")


def test_with_several_subjects_a_sentence_that_names_none_is_quoted_with_the_one_before() -> None:
    text = (
        "Multiple sclerosis (MS) is one. Amyotrophic lateral sclerosis (ALS) is another.\n\n"
        "MS is common. MS is mild. MS stays.\n\nALS is rare. ALS is hard. Patients die early."
    )
    assert pairs_of(text)["ALS is hard. Patients die early."].subjects == ("ALS",)


def test_a_long_sentence_is_cut_where_a_clause_ends() -> None:
    clause = "the empire grew in all directions that its maps could show"
    text = "In those days " + f"{clause}; " * 12 + "and so it ended."
    answers = list(pairs_of(text))
    assert all(len(answer) <= QUOTE_LIMIT for answer in answers)
    assert all(answer.endswith((";", ".")) for answer in answers)
    assert " ".join(answers) == text


def test_the_part_under_a_heading_has_a_pair_of_its_own() -> None:
    text = (
        "# Asthma\n\nIt is a disease of the lungs.\n\n## Symptoms\n\nPeople cough. Others wheeze.\n"
    )
    pairs = pairs_of(text, "Asthma")
    part = pairs["People cough. Others wheeze."]
    assert "What are the symptoms of Asthma?" in part.wordings
    assert "Symptoms" in part.wordings


def test_a_heading_that_asks_is_the_question_shown() -> None:
    text = "Can I return my order?\n\nYes, within 30 days."
    assert pairs_of(text)["Yes, within 30 days."].question == "Can I return my order?"


def test_an_item_is_quoted_with_the_line_that_leads_into_its_list() -> None:
    pairs = pairs_of("To bake bread you need:\n\n- flour\n- water and salt\n")
    item = pairs["To bake bread you need:\n\n- flour\n- water and salt"]
    assert "To bake bread you need: Water and salt" in item.variants


def test_wordings_are_plain_while_answers_keep_their_marks() -> None:
    pair = pairs_of("The **clock** is a [gift](http://x.example/y).")[
        "The **clock** is a [gift](http://x.example/y)."
    ]
    assert pair.question == "What is the clock?"
    assert "The clock is a gift." in pair.variants
    assert "T: The clock is a gift." in pair.variants


TABLE = """# Fees

The prices:

| Treatment | Price | Members |
| --- | --- | --- |
| Check-up | £48 | free |
| White filling | from £115 | £98 |
"""


def test_a_row_is_asked_for_by_its_first_cell_and_says_what_its_columns_are() -> None:
    pairs = pairs_of(TABLE)
    row = pairs["| White filling | from £115 | £98 |"]
    assert row.question == "Fees: what about White filling?"
    assert "White filling: Price from £115, Members £98" in row.variants


def test_neither_names_of_columns_nor_a_line_that_leads_into_them_answer_alone() -> None:
    pairs = pairs_of(TABLE)
    assert not any(answer.endswith((":", "--- |")) for answer in pairs)
    assert any("The prices:" in answer and "£98" in answer for answer in pairs)


def test_one_question_is_drawn_for_one_pair_only() -> None:
    pairs = draw_pairs(made("MS is a disease. MS is a disease of nerves. MS is a burden."))
    assert [("What is MS?" in p.wordings) for p in pairs] == [True, False, False]


@given(st.text("abAB .,:;!?\n-#*()|`0'\"", min_size=1, max_size=300).filter(str.strip))
def test_any_text_draws_pairs_that_quote_it(text: str) -> None:
    document = made(text)
    for pair in draw_pairs(document):
        assert pair.provenance.evidence.of(text) == pair.answer
        assert 1 <= len(pair.answer) <= QUOTE_LIMIT
        assert pair.question.endswith("?")


def test_drawing_is_deterministic() -> None:
    document = read_document(ARTICLE)
    assert draw_pairs(document) == draw_pairs(document)


def test_drawing_takes_no_longer_than_its_text() -> None:
    text = "".join(
        f"The town of Place{i} has {i} houses. It was founded in 1{i:03}.\n\n" for i in range(999)
    )
    began = time.process_time()
    assert len(draw_pairs(made(text))) >= 1998
    assert time.process_time() - began < 10


# --- round trip -----------------------------------------------------------------------------


def test_a_question_that_finds_another_pair_is_dropped() -> None:
    pairs = draw_pairs(made("The red bridge was built in Warsaw in 1902. The town has 30 mills."))
    strange = QAPair(
        pairs[1].id,
        pairs[1].question,
        (*pairs[1].variants, "Was a red bridge built in 1902?"),
        pairs[1].answer,
        pairs[1].provenance,
    )
    first, second = keep_consistent([pairs[0], strange], bag_of_stems)
    assert "When was the red bridge built in Warsaw?" in first.wordings
    assert "Was a red bridge built in 1902?" not in second.wordings
    assert second.question == "How many mills does the town have?"


def test_every_pair_keeps_its_quote_its_sentences_and_a_question() -> None:
    pairs = draw_pairs(read_document(ARTICLE))
    kept = keep_consistent(pairs, bag_of_stems)
    assert [p.id for p in kept] == [p.id for p in pairs]
    for before, after in zip(pairs, kept, strict=True):
        assert after.question in before.wordings
        assert after.question.endswith("?")
        assert set(after.wordings) <= set(before.wordings)
        said = {v for v in before.variants if not v.endswith("?")}
        assert said <= set(after.variants)


def test_the_round_trip_is_stable_and_takes_nothing_from_nothing() -> None:
    kept = keep_consistent(draw_pairs(read_document(ARTICLE)), bag_of_stems)
    assert keep_consistent(kept, bag_of_stems) == kept
    assert keep_consistent((), bag_of_stems) == ()


def test_the_filter_leaves_what_an_owner_wrote() -> None:
    entries = read_rows(
        [{"question": "A?", "answer": "One."}, {"question": "A?", "answer": "Two."}]
    ).entries
    _, pairs = faq_document(entries, id="faq", title="FAQ")
    assert keep_consistent(pairs, bag_of_stems) == pairs
    assert {p.provenance.drawer for p in pairs} == {FAQ_DRAWER}


def test_a_clause_whose_subject_is_cut_to_an_article_gives_no_question() -> None:
    said = (
        "The only noted instance of protest was Nobel Peace Prize laureate Wangari Maathai's "
        "withdrawal from the list of torchbearers, in protest against human rights abuses."
    )
    assert all(q.endswith("?") for q in questions_of(said, common=frozenset()))
