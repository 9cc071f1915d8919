"""What the owner's pages do to the files and the store, without a browser."""

from __future__ import annotations

import csv
import difflib
import html
import io
import json
import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from reviewing import TOKEN, Desk, kept_questions, reviewing

from bot.bot import Bot, Engine
from bot.channels.review.figures import Figures, replies_csv, stretch, unanswered_csv
from bot.channels.review.learning import Cluster
from bot.channels.review.passage_page import beside, next_passage
from bot.channels.review.trials import Outcome
from bot.channels.review.workspace import Conflict, Entry, Workspace
from bot.errors import DocumentError, KnowledgeError, QuothError
from bot.knowledge.exam import read_exam
from bot.knowledge.files import CALIBRATION, OUT_OF_SCOPE, PAIRS
from bot.knowledge.knowledge import load_knowledge
from bot.knowledge.rejected import REJECTED, Rejected, read_rejected
from bot.settings import Settings
from bot.state.unanswered import Unanswered, unanswered

SHOP = Path(__file__).parent / "data" / "shop"
ASKED = {"do you sell tents": 3, "are tents sold here?": 2, "when does it open on mondays": 2}


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Engine:
    return Engine(settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(SHOP, tmp_path / "shop")


@pytest.fixture
def desk(folder: Path, tmp_path: Path, settings: Settings, engine: Engine) -> Iterator[Desk]:
    store = kept_questions(tmp_path / "q.db", ASKED, days=3, replies=4)
    own = settings.model_copy(update={"knowledge": folder})
    with reviewing(folder, store, lambda: Bot.load(own, engine=engine)) as desk:
        yield desk
    store.close()


def entry(desk: Desk, question: str) -> Entry:
    return next(e for e in desk.service.workspace.snapshot().entries if e.question == question)


def on(desk: Desk, question: str, action: str, **fields: str) -> str | None:
    given = {"revision": desk.service.workspace.snapshot().revision, **fields}
    id = entry(desk, question).id
    return desk.service.on_pair(id, action, {k: [v] for k, v in given.items()}).pair


def difference(folder: Path, name: str = PAIRS) -> tuple[list[str], list[str]]:
    before, after = ((f / name).read_text().splitlines() for f in (SHOP, folder))
    found = list(difflib.ndiff(before, after))
    gone, came = ([d[2:] for d in found if d.startswith(sign)] for sign in ("- ", "+ "))
    return gone, came


OPENS = "When does the shop open?"


def test_accepting_changes_one_line_and_undo_brings_the_bytes_back(desk: Desk) -> None:
    before = (desk.folder / PAIRS).read_bytes()
    on(desk, OPENS, "accept")
    today = date.today()
    assert difference(desk.folder) == ([], [f"  reviewed: Ann {today}"])
    assert entry(desk, OPENS).status == "reviewed"
    desk.service.undo()
    assert (desk.folder / PAIRS).read_bytes() == before
    with pytest.raises(Conflict, match="nothing to undo"):
        desk.service.undo()


def test_accepting_what_is_past_its_date_gives_it_a_year(desk: Desk) -> None:
    yesterday = date.today() - timedelta(days=1)
    on(desk, OPENS, "review-by", day=str(yesterday))
    assert entry(desk, OPENS).status == "overdue"
    on(desk, OPENS, "accept")
    assert entry(desk, OPENS).status == "reviewed"
    assert entry(desk, OPENS).row.review_by is not None
    on(desk, OPENS, "review-by", day="")
    assert entry(desk, OPENS).row.review_by is None
    with pytest.raises(KnowledgeError, match="is not a day"):
        on(desk, OPENS, "review-by", day="soon")


def test_wordings_and_the_question_are_edited_in_place(desk: Desk) -> None:
    on(desk, OPENS, "variant", text="  shop\nhours ")
    on(desk, OPENS, "drop-variant", number="0", text="opening time")
    new = on(desk, OPENS, "question", text="When do you open?")
    assert new == entry(desk, "When do you open?").id
    gone, came = difference(desk.folder)
    assert gone == [f"- question: {OPENS}", "    - opening time  # the usual one"]
    assert came == ["- question: When do you open?", "    - shop hours"]
    for action, fields, why in (
        ("variant", {"text": "SHOP hours?"}, "already"),
        ("variant", {"text": " "}, "nothing written"),
        ("question", {"text": "x" * 501}, "500 are enough"),
        ("drop-variant", {"number": "0", "text": "something else"}, "no longer there"),
        ("nonsense", {}, "no action"),
    ):
        with pytest.raises(KnowledgeError, match=why):
            on(desk, "When do you open?", action, **fields)
    assert difference(desk.folder) == (gone, came)


def test_another_answer_is_verbatim_whatever_is_selected(desk: Desk) -> None:
    text = load_knowledge(desk.folder).documents[0].text
    start = text.index("Parcels are sent")
    end = text.index("Mondays.") + len("Mondays.")
    on(desk, OPENS, "answer", document="shop", sentence=f"{start}-{end}")
    pair = entry(desk, OPENS).pair
    assert pair is not None
    assert pair.answer == "Parcels are sent on Mondays."
    # A browser counts in its own way: what was selected is looked up near where it says.
    on(desk, OPENS, "answer", document="shop", selected="3-9", said=" Returns are free ")
    assert text.index("Returns") == entry(desk, OPENS).pair.provenance.evidence.start  # type: ignore[union-attr]
    for bad, why in (
        ({"selected": f"{start + 2}-{end}"}, "inside a word"),
        ({"selected": "0-999999"}, "no text"),
        ({"selected": "a-b"}, "no place"),
        ({}, "tick"),
    ):
        with pytest.raises(KnowledgeError, match=why):
            on(desk, OPENS, "answer", document="shop", **bad)


def test_a_lost_answer_is_put_right_from_the_passage_most_like_it(desk: Desk) -> None:
    sent = "When are parcels sent?"
    text = load_knowledge(desk.folder).documents[0].text
    start = text.index("Parcels")
    on(desk, sent, "answer", document="shop", sentence=f"{start}-{start + 28}")
    document = desk.folder / "documents/shop.txt"
    document.write_text(text.replace("on Mondays.", "on Mondays and Fridays."))
    lost = entry(desk, sent)
    assert (lost.status, lost.pair) == ("lost", None)
    assert lost.why is not None
    assert "no longer stands there" in lost.why
    assert lost.passage is not None
    assert "Mondays and Fridays" in lost.passage.text
    page = httpx.get(f"{desk.address}/review?pair={lost.id}").text
    assert "The passage most like it" in page
    assert "/accept" not in page
    place = f"{start}-{start + len('Parcels are sent on Mondays and Fridays.')}"
    on(desk, sent, "answer", document="shop", sentence=place)
    assert entry(desk, sent).pair.answer == "Parcels are sent on Mondays and Fridays."  # type: ignore[union-attr]


def test_a_document_outside_its_usual_folder_is_watched_too(folder: Path) -> None:
    (folder / "documents/shop.txt").rename(folder / "shop.txt")
    manifest = folder / "knowledge.yaml"
    manifest.write_text(manifest.read_text().replace("documents/shop.txt", "shop.txt"))
    workspace = Workspace(folder)
    first = workspace.snapshot()
    assert first is workspace.snapshot()
    document = folder / "shop.txt"
    document.write_text(document.read_text() + "\nThe lift is broken.\n")
    assert workspace.snapshot().knowledge.documents[0].text.endswith("broken.\n")
    document.unlink()
    with pytest.raises(DocumentError, match=r"shop\.txt"):
        workspace.snapshot()


def test_what_is_rejected_goes_and_is_remembered_and_undo_brings_it_back(desk: Desk) -> None:
    file = desk.folder / REJECTED
    before = entry(desk, OPENS)
    assert before.pair is not None
    on(desk, OPENS, "reject")
    assert all(e.question != OPENS for e in desk.service.workspace.snapshot().entries)
    (unwanted,) = read_rejected(file)
    assert unwanted == Rejected("shop", before.pair.answer, OPENS)
    desk.service.undo()
    assert not file.exists()
    assert entry(desk, OPENS).pair == before.pair
    for other in ("When are parcels sent?", "Are returns free?", "Who owns the shop?"):
        on(desk, other, "reject")
    with pytest.raises(KnowledgeError, match="only pair"):
        on(desk, OPENS, "reject")
    assert len(read_rejected(file)) == 3


def test_a_document_that_is_gone_is_a_conflict(desk: Desk) -> None:
    with pytest.raises(Conflict, match="no longer there"):
        on(desk, OPENS, "answer", document="gone", sentence="0-9")
    revision = [desk.service.workspace.snapshot().revision]
    drawn = {"revision": revision, "sentence": ["gone 0 9"], "question": ["Is it?"]}
    with pytest.raises(Conflict, match="no longer there"):
        desk.service.learn("pair", drawn)


def test_another_hand_is_never_overwritten(desk: Desk) -> None:
    file = desk.folder / PAIRS
    shown = desk.service.workspace.snapshot()
    file.write_text(file.read_text() + "# by hand\n")
    with pytest.raises(Conflict):
        on(desk, OPENS, "accept", revision=shown.revision)
    assert file.read_text().endswith("# by hand\n")
    assert "reviewed: Ann" not in file.read_text()
    assert desk.service.workspace.shown(shown.revision) == shown.texts
    on(desk, OPENS, "accept")
    file.write_text(file.read_text() + "# again\n")
    with pytest.raises(Conflict, match="undoing would lose"):
        desk.service.undo()
    assert file.read_text().endswith("# again\n")


def test_a_pair_is_tried_on_its_wordings_and_on_what_visitors_asked(desk: Desk) -> None:
    def tried() -> dict[str, Outcome]:
        wait(desk)
        return dict(desk.service.trials.board.outcomes)

    pair = entry(desk, OPENS).pair
    assert pair is not None
    before = tried()
    board = desk.service.trials.board
    assert all(o is not None and board.finds(pair, o) for _, o in board.own(pair))
    assert before["do you sell tents"].asked.source == "visitors"
    assert {c.asked.source for c in before.values()} == {"wording", "calibration", "visitors"}
    on(desk, OPENS, "accept")  # changes nothing that is answered
    assert tried().keys() == before.keys()
    assert desk.service.trials.board.changes == ()
    on(desk, "Who owns the shop?", "variant", text="who is in charge of the shop")
    assert "who is in charge of the shop" in tried()
    on(desk, "Who owns the shop?", "reject")
    tried()
    lost = {c.question: c.after for c in desk.service.trials.board.changes}
    assert all(after != "The owner is called Grace Moss." for after in lost.values())
    assert "whose shop is it" in lost  # a calibration question
    desk.service.undo()
    tried()
    assert {c.right for c in desk.service.trials.board.changes} == {True}


def test_visitors_questions_are_grouped_and_become_variants_pairs_and_gaps(desk: Desk) -> None:
    wait(desk)
    groups = desk.service.clusters()
    assert groups is not None
    tents = next(g for g in groups if "tents" in g.head)
    opening = next(g for g in groups if "mondays" in g.head)
    assert len(tents.questions) == 5
    assert set(tents.wordings) == {"do you sell tents", "are tents sold here?"}
    assert opening.pairs[0] == entry(desk, OPENS).id
    assert "opens at nine" in opening.passages[0][0].text

    def learn(action: str, **fields: str | list[str]) -> str:
        revision = desk.service.workspace.snapshot().revision
        given = {"revision": revision, **fields}
        return desk.service.learn(
            action, {k: v if isinstance(v, list) else [v] for k, v in given.items()}
        ).notice

    said = f"  # learnt from visitors {date.today()}, Ann"
    refs = " ".join(opening.refs)
    learn("variant", refs=refs, pair=entry(desk, OPENS).id, text=[opening.head])
    assert difference(desk.folder) == ([], [f"    - {opening.head}{said}"])
    assert not {o.ref for o in unanswered(desk.store.database)} & set(opening.refs)
    desk.service.undo()
    assert difference(desk.folder) == ([], [])
    assert {o.ref for o in unanswered(desk.store.database)} >= set(opening.refs)
    passage = opening.passages[0][0]
    place = f"shop {passage.span.start} {passage.span.start + len('The shop opens at nine.')}"
    learn("pair", refs=refs, question="Opening on Mondays?", sentence=[place])
    drawn = entry(desk, "Opening on Mondays?")
    assert drawn.row.drawer == "visitors"
    assert drawn.status == "reviewed"
    learn("gap", refs=" ".join(tents.refs), topic="tents", says="tents", text=list(tents.wordings))
    assert difference(desk.folder, OUT_OF_SCOPE)[1] == [
        "",
        "- topic: tents",
        "  says: tents",
        "  questions:",
        *(f"    - {text}{said}" for text in tents.wordings),
    ]
    assert [p.topic for p in load_knowledge(desk.folder).prototypes][-2:] == ["tents", "tents"]
    for rest in desk.service.clusters() or ():
        learn("dismiss", refs=" ".join(rest.refs))
    assert desk.service.clusters() == ()
    with pytest.raises(KnowledgeError, match="tick"):
        learn("variant", pair=entry(desk, OPENS).id)


def test_a_question_put_aside_is_held_out_with_its_label(desk: Desk) -> None:
    wait(desk)
    before = (desk.folder / CALIBRATION).read_bytes()
    groups = desk.service.clusters() or ()
    tents = next(g for g in groups if "tents" in g.head)
    opening = next(g for g in groups if "mondays" in g.head)

    def learn(action: str, **fields: str | list[str]) -> str:
        revision = desk.service.workspace.snapshot().revision
        given = {"revision": revision, **fields}
        return desk.service.learn(
            action, {k: v if isinstance(v, list) else [v] for k, v in given.items()}
        ).notice

    refs = " ".join(opening.refs)
    told = learn("put-aside", refs=refs, pair=entry(desk, OPENS).id, text=[opening.head])
    assert told.startswith("Put aside. 4 calibration questions")
    assert told.endswith("needs at least 90.")
    learn("put-aside", refs=" ".join(tents.refs), pair="-", text=list(tents.wordings))
    raw = (desk.folder / CALIBRATION).read_bytes()
    assert raw.startswith(before)  # what stood there stays, byte by byte
    rows = [json.loads(line) for line in raw[len(before) :].decode().splitlines()]
    said = f"visitors {date.today()}, Ann"
    assert rows == [
        {
            "q": opening.head,
            "kind": "answerable",
            "gold": ["The shop opens at nine."],
            "from": said,
        },
        *({"q": q, "kind": "unanswerable", "gold": [], "from": said} for q in tents.wordings),
    ]
    exam = [question for (question,) in read_exam(desk.folder / CALIBRATION)]
    assert [bool(question.gold) for question in exam[-3:]] == [True, False, False]
    left = {o.ref for o in unanswered(desk.store.database)}
    assert not left & {*opening.refs, *tents.refs}
    desk.service.undo()
    desk.service.undo()
    assert (desk.folder / CALIBRATION).read_bytes() == before
    assert {o.ref for o in unanswered(desk.store.database)} >= {*opening.refs, *tents.refs}


def test_what_is_held_out_is_not_learnt_and_what_is_learnt_is_not_held_out(desk: Desk) -> None:
    wait(desk)
    held = "What time do you open?"  # a calibration question, in other letters
    place = "shop 0 10"

    def refused(why: str, action: str, **fields: str) -> None:
        given = {"revision": desk.service.workspace.snapshot().revision, **fields}
        with pytest.raises(KnowledgeError, match=why):
            desk.service.learn(action, {k: [v] for k, v in given.items()})

    opens = entry(desk, OPENS).id
    refused("held out", "variant", pair=opens, text=held)
    refused("held out", "pair", question=held, sentence=place)
    refused("held out", "gap", topic="hours", text=held)
    for action in ("variant", "question"):
        with pytest.raises(KnowledgeError, match="held out"):
            on(desk, OPENS, action, text=held)
    refused("already", "put-aside", pair="-", text=held)
    refused("as a wording of “When does", "put-aside", pair=opens, text="Opening time?")
    refused("as a known gap", "put-aside", pair="-", text="can i work for you")
    refused("which pair", "put-aside", pair="", text="new")
    refused("no longer in the file", "put-aside", pair="gone", text="new")
    refused("tick", "put-aside", pair="-")
    for name in (PAIRS, OUT_OF_SCOPE, CALIBRATION):
        assert difference(desk.folder, name) == ([], [])


def test_putting_aside_is_a_plain_form_and_overwrites_no_other_hand(desk: Desk) -> None:
    wait(desk)
    revision = desk.service.workspace.snapshot().revision
    file = desk.folder / CALIBRATION
    other = '{"q": "theirs", "kind": "unanswerable", "gold": []}\n'
    file.write_text(file.read_text() + other)
    fields = {"revision": revision, "pair": "-", "text": "do you sell tents", "refs": ""}
    headers = {"Origin": desk.address.removesuffix(f"/{TOKEN}")}
    with httpx.Client(base_url=desk.address, headers=headers) as client:
        refused = client.post("/learn/put-aside", data=fields)
        assert refused.status_code == 409
        assert f"+{other[:12]}" in html.unescape(refused.text)
        assert file.read_text().endswith(other)
        again = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', refused.text)
        assert dict(again) == fields | {"revision": desk.service.workspace.snapshot().revision}
        assert client.post("/learn/put-aside", data=dict(again)).status_code == 303
        words = re.sub("<[^>]+>", "", client.get("/learn").text)
        assert "5 calibration questions; calibrate --max-wrong 0.05 needs at least 90" in words
    assert file.read_text().count("do you sell tents") == 1


def test_questions_are_put_aside_in_a_file_of_any_shape(desk: Desk) -> None:
    wait(desk)
    file = desk.folder / CALIBRATION

    def put(text: str) -> None:
        given = {"pair": "-", "text": text, "refs": ""}
        given["revision"] = desk.service.workspace.snapshot().revision
        desk.service.learn("put-aside", {k: [v] for k, v in given.items()})

    first = '{"q": "a", "kind": "unanswerable", "gold": [], "mine": 1}'
    for before, kept, end in (
        (None, "", "\n"),
        ("", "", "\n"),
        (f"{first}", f"{first}\n", "\n"),
        (f"\r\n{first}\r\n\r\n", f"\r\n{first}\r\n\r\n", "\r\n"),
    ):
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before.encode())
        put("wo sind die Zelte, „bitte“?")
        raw = file.read_bytes().decode()
        assert raw.startswith(kept)
        row = raw[len(kept) :]
        assert row.endswith("}" + end)
        assert json.loads(row)["q"] == "wo sind die Zelte, „bitte“?"
        desk.service.undo()
        assert (file.read_bytes().decode() if file.exists() else None) == before
    file.write_text(f"{first}\nno JSON\n")
    with pytest.raises(QuothError, match=r"calibration\.jsonl:2"):
        put("new")
    answer = httpx.get(f"{desk.address}/learn")
    assert answer.status_code == 200
    assert "calibration.jsonl:2" in answer.text


def test_figures_add_up_and_travel_as_csv(desk: Desk) -> None:
    wait(desk)
    today = desk.service.workspace.today()
    first, last = stretch("", "", today)
    figures: Figures = desk.service.figures(first, last)
    assert len(figures.days) == 30
    assert figures.questions == sum(figures.by_day("answer", "clarify", "decline"))
    assert figures.total("decline") == sum(ASKED.values())
    assert sum(map(sum, figures.confidence)) == figures.questions
    rows = replies_csv(figures).splitlines()
    assert rows[0] == "day,kind,reason,confidence_from,count"
    counted = [row.split(",") for row in rows[1:]]
    assert sum(int(r[4]) for r in counted if r[1] != "feedback") == figures.total(
        "answer", "clarify", "decline"
    )
    assert "do you sell tents" in unanswered_csv(desk.service.clusters() or ())
    assert stretch("2026-05-09", "2026-05-01", today) == (date(2026, 5, 1), date(2026, 5, 9))
    assert stretch("2020-01-01", "x", today)[0] == today - timedelta(days=365)


@pytest.mark.parametrize("asked", ["=1+1", "＝1+1", "'=1+1", "@SUM(A1)", "\t=1"])
def test_no_question_is_a_formula_in_a_spreadsheet(asked: str) -> None:
    one = Unanswered("1", 0.0, asked, "decline", None, None)
    (row,) = list(csv.reader(io.StringIO(unanswered_csv([Cluster(asked, (one,))]))))[1:]
    assert (row[1], row[4]) == (f"'{asked}", f"'{asked}")


def test_only_our_own_pages_on_this_machine_come_in(desk: Desk) -> None:
    root, token = desk.address.rsplit("/", 1)
    host = root.removeprefix("http://")
    write = f"{desk.address}/pairs/{entry(desk, OPENS).id}/accept"
    body = f"revision={desk.service.workspace.snapshot().revision}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with httpx.Client() as client:
        page = client.get(f"{desk.address}/review")
        assert page.status_code == 200
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "<script>" not in page.text
        assert " style=" not in page.text
        assert client.get(f"{root}/review").status_code == 404
        assert client.get(f"{root}/{token[:-1]}x/review").status_code == 404
        for evil in ("example.org", f"example.org:{host.split(':')[1]}", "127.0.0.1:1"):
            found = client.get(f"{desk.address}/review", headers={"Host": evil})
            assert found.status_code == 421
        for headers in (
            {},
            {"Origin": "null"},
            {"Origin": "https://example.org"},
            {"Origin": root, "Sec-Fetch-Site": "cross-site"},
        ):
            assert client.post(write, content=body, headers=form | headers).status_code == 403
        own = form | {"Origin": root}
        assert client.post(write, content=b"x" * 300_000, headers=own).status_code == 413
        assert "reviewed: Ann" not in (desk.folder / PAIRS).read_text()
        assert client.post(write, content=body, headers=own).status_code == 303
        # The same again is on files that are no longer those: both are shown.
        again = client.post(write, content=body, headers=own)
        assert again.status_code == 409
        assert "+  reviewed: Ann" in again.text
        (desk.folder / PAIRS).write_text("- question: 'a\n")
        broken = client.get(f"{desk.address}/review")
        assert (broken.status_code, "pairs.yaml:" in broken.text) == (500, True)
        assert client.get(f"{desk.address}/static/review/review.js").status_code == 200


def wait(desk: Desk) -> None:
    """Until everything has been tried."""
    import time

    for _ in range(6000):
        if desk.service.trials.board.state in ("done", "failed"):
            break
        time.sleep(0.02)
    assert desk.service.trials.board.state == "done", desk.service.trials.board.problem


def test_the_pairs_of_one_passage_are_accepted_together_and_undone_together(desk: Desk) -> None:
    before = (desk.folder / PAIRS).read_bytes()

    def accept(*questions: str) -> str:
        ids = [entry(desk, question).id for question in questions]
        revision = desk.service.workspace.snapshot().revision
        return desk.service.accept_together({"revision": [revision], "pair": ids}).notice

    owns = "Who owns the shop?"
    for none_of_one_passage in ((), (OPENS, "Are returns free?")):
        with pytest.raises(KnowledgeError):
            accept(*none_of_one_passage)
    assert (desk.folder / PAIRS).read_bytes() == before
    assert accept(OPENS, owns) == "Accepted: 2 pairs of this passage."
    said = f"  reviewed: Ann {date.today()}"
    assert difference(desk.folder) == ([], [said, said])
    assert {entry(desk, q).status for q in (OPENS, owns)} == {"reviewed"}
    assert entry(desk, "Are returns free?").status == "drawn"
    desk.service.undo()
    assert (desk.folder / PAIRS).read_bytes() == before
    assert accept(owns) == "Accepted: one pair of this passage."
    assert difference(desk.folder) == ([], [said])


def test_a_pair_that_says_something_else_by_now_is_not_accepted_with_the_others(
    desk: Desk,
) -> None:
    shown = desk.service.workspace.snapshot()
    ids = [e.id for e in beside(shown, entry(desk, OPENS))]
    assert len(ids) == 2
    file = desk.folder / PAIRS
    file.write_text(file.read_text().replace("Who owns the shop?", "Whose shop is it?"))
    theirs = file.read_bytes()
    headers = {"Origin": desk.address.removesuffix(f"/{TOKEN}")}
    fields = {"revision": shown.revision, "pair": ids, "of": ids[0]}
    with httpx.Client(base_url=desk.address, headers=headers) as client:
        answer = client.post("/passage/accept", data=fields)
        assert answer.status_code == 409
        assert "Do it on the files as they are now" not in answer.text
        assert file.read_bytes() == theirs
        fields["revision"] = desk.service.workspace.snapshot().revision
        assert client.post("/passage/accept", data=fields).status_code == 409
        assert file.read_bytes() == theirs
        # A plain form with nothing ticked is told so, on the page that it came from.
        del fields["pair"]
        answer = client.post("/passage/accept", data=fields)
        assert answer.status_code == 422
        assert "Tick the pairs to accept." in answer.text
        assert "Whose shop is it?" in answer.text
        gone = client.get("/passage?pair=gone")
        assert (gone.status_code, 'id="trials"' in gone.text) == (200, True)


def test_passages_with_pairs_to_review_follow_each_other(desk: Desk) -> None:
    snapshot = desk.service.workspace.snapshot()
    first, last = entry(desk, OPENS), entry(desk, "Are returns free?")
    passages = [first]
    while (found := next_passage(snapshot, passages[-1])) is not None:
        passages.append(found)
    # The parcels' pair is reviewed already; where it stands alone its passage is passed over.
    open_ones = [e for e in snapshot.entries if e.status != "reviewed"]
    assert [e.passage for e in passages] == list(dict.fromkeys(e.passage for e in open_ones))
    assert next_passage(snapshot, last, -1) == first
    assert next_passage(snapshot, first, -1) is None
