"""What a website loads, without a browser: sizes, hashes, caching, words, and who may ask."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from small_bot import SmallBot, small_knowledge, small_site

from bot.channels.topics import Topic, topics
from bot.channels.widget import FOLDER, LOADER, load_widget, trimmed
from bot.types import Span

SITE = "https://clinic.example"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("site")
    with small_site(folder, allowed_origins=(SITE,)) as client:
        yield client


def test_the_loader_is_at_most_5_kb_and_all_at_most_25() -> None:
    widget = load_widget()
    assert len(widget.files[LOADER].zipped) <= 5000
    assert sum(len(file.zipped) for file in widget.files.values()) <= 25_000
    for file in widget.files.values():
        assert gzip.decompress(file.zipped) == file.body


def test_a_version_is_kept_for_ever_and_the_newest_asked_for(client: httpx.Client) -> None:
    widget = load_widget()
    pinned = client.get(widget.path)
    assert pinned.headers["cache-control"] == "public, max-age=31536000, immutable"
    newest = client.get("/widget.js")
    assert newest.headers["cache-control"] == "public, max-age=300"
    assert newest.content == pinned.content
    for response in (pinned, newest):
        assert response.headers["content-type"].startswith("text/javascript")
        assert response.headers["content-encoding"] == "gzip"
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["cross-origin-resource-policy"] == "cross-origin"
        etag = response.headers["etag"]
        again = client.get("/widget.js", headers={"if-none-match": etag})
        assert again.status_code == 304
    plain = client.get("/widget.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == newest.content
    assert plain.headers["etag"] != newest.headers["etag"]


@pytest.mark.parametrize(
    ("accepted", "zips"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("br;q=0, gzip ; q=0.001", True),
        ("gzip;q=1.0", True),
        ("gzip;q=0", False),
        ("deflate, gzip ; q=0.000", False),
        ("GZip;Q=0.", False),
        ("x-gzipped", False),
        ("identity", False),
        ("", False),
    ],
)
def test_who_refuses_gzip_gets_none(client: httpx.Client, accepted: str, zips: bool) -> None:
    sent = client.get("/widget.js", headers={"accept-encoding": accepted})
    assert ("content-encoding" in sent.headers) == zips
    assert "Accept-Encoding" in sent.headers["vary"]
    assert sent.text == client.get("/widget.js").text


@pytest.mark.parametrize("name", ["none.js", "../widget.py", "..%2fwidget.py", "style.css"])
def test_nothing_else_is_served_there(client: httpx.Client, name: str) -> None:
    assert client.get(f"/widget/{load_widget().version}/{name}").status_code == 404
    assert client.get(f"/widget/000000000000/{LOADER}").status_code == 404


def test_the_hashes_are_of_what_is_sent(client: httpx.Client) -> None:
    widget = load_widget()
    loader = client.get(widget.path)
    assert widget.integrity == integrity("sha384", loader.content)
    found = re.search(r"const FILES = (\{.*?\});", loader.text)
    assert found is not None
    hashes = json.loads(found[1])
    assert set(hashes) == {file.name for file in FOLDER.glob("*.js")} - {LOADER}
    base = re.search(r'const BASE = "(.*?)";', loader.text)
    assert base is not None
    for name, expected in hashes.items():
        sent = client.get(base[1] + name)
        assert integrity("sha256", sent.content) == expected


def integrity(algorithm: str, content: bytes) -> str:
    digest = hashlib.new(algorithm, content).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


def test_only_comments_and_indentation_are_left_out() -> None:
    script = '/** Says.\n * More. */\nlet a = "// no";\n  // yes\n\n  let b = a /* in */ + 1;\n'
    assert trimmed(script) == 'let a = "// no";\nlet b = a /* in */ + 1;\n'


def test_every_language_has_every_word() -> None:
    def words(name: str) -> dict[str, set[str]]:
        text = (FOLDER / name).read_text(encoding="utf-8")
        found = re.findall(r'^  (\w+): (\{.*?\}|".*?"),$', text, re.M | re.S)
        return {key: set(re.findall(r"\{(\w+)\}", said)) for key, said in found}

    english = words("strings.js")
    assert len(english) > 40
    used = "".join(file.read_text(encoding="utf-8") for file in FOLDER.glob("*.js"))
    assert not [key for key in english if not re.search(rf'"{key}"', used)], "all are said"
    for file in FOLDER.glob("strings.*.js"):
        assert words(file.name) == english, "the same words, with the same places to fill in"


def test_no_file_asks_for_another_place() -> None:
    for file in FOLDER.glob("*.js"):
        addresses = set(re.findall(r"https?://[^\s\"')`]+", file.read_text(encoding="utf-8")))
        documents = (
            "http://www.w3.org/2000/svg",
            "https://www.w3.org/WAI",
            "https://wicg.github.io",
        )
        assert not [one for one in addresses if not one.startswith(documents)]


def test_the_loader_names_all_its_attributes() -> None:
    loader = (FOLDER / LOADER).read_text(encoding="utf-8")
    read = "".join(file.read_text(encoding="utf-8") for file in FOLDER.glob("*.js"))
    used = set(re.findall(r'getAttribute\("([a-z]+)"\)|hasAttribute\("([a-z]+)"\)', read))
    listed = set(re.findall(r'^    ([a-z]+): "', loader, re.M))
    assert {one or other for one, other in used} - {"role"} <= listed


@pytest.mark.parametrize(
    ("origin", "fetched", "status"),
    [
        (None, None, 200),
        (SITE, "cross-site", 200),
        ("https://clinic.example.evil", "cross-site", 403),
        ("https://clinic.example:8443", "same-site", 403),
        ("http://clinic.example", "cross-site", 403),
        ("null", "cross-site", 403),
        ("http://[", None, 403),
        ("https://behind.a.proxy", "same-origin", 200),
    ],
)
def test_only_named_websites_and_own_pages_may_ask(
    client: httpx.Client, origin: str | None, fetched: str | None, status: int
) -> None:
    headers = {"origin": origin, "sec-fetch-site": fetched}
    sent = {name: value for name, value in headers.items() if value is not None}
    response = client.post("/api/ask", json={"question": "hello"}, headers=sent)
    assert response.status_code == status
    if status == 403:
        assert response.headers["content-type"] == "application/problem+json"
        assert "QUOTH_ALLOWED_ORIGINS" in response.json()["detail"]


def test_the_servers_own_origin_may_ask(client: httpx.Client) -> None:
    own = f"http://{client.base_url.netloc.decode()}"
    assert client.get("/api/about", headers={"origin": own}).status_code == 200


def test_about_is_what_a_chat_shows_first(client: httpx.Client) -> None:
    about = client.get("/api/about").json()
    assert about["title"] == "Multiple sclerosis and ALS"
    assert about["max_question_chars"] == 2000
    (document,) = about["documents"]
    assert document["id"] == "ms-vs-als"
    assert "does not provide medical advice" in document["disclaimer"]


def test_the_first_page_lists_what_it_knows_and_works_without_javascript(
    client: httpx.Client,
) -> None:
    page = client.get("/").text
    for question in ("Is MS fatal?", "Is ALS fatal?"):
        assert f'name="question" value="{question}"' in page
    assert '<form id="ask" method="post" action="/ask">' in page
    assert f"{client.base_url.join(load_widget().path)}" in page
    assert load_widget().integrity in page
    for link in ("/openapi.json", "/source/ms-vs-als", "/ask"):
        assert f'href="{link}"' in page


def test_topics_are_headings_where_most_answers_have_one_else_subjects() -> None:
    knowledge = small_knowledge()
    assert topics(knowledge) == (
        Topic("Multiple sclerosis and ALS", ("Is MS fatal?", "Is ALS fatal?")),
    )
    ms, als = knowledge.pairs
    told = (replace(ms, subjects=("MS",)), replace(als, subjects=("MS", "ALS")))
    assert [topic.name for topic in topics(replace(knowledge, pairs=told))] == ["MS", "MS and ALS"]
    headed = tuple(replace(passage, heading="Outlook") for passage in knowledge.passages)
    assert topics(replace(knowledge, passages=headed))[0].name == "Outlook"


def test_topics_are_in_the_order_of_the_documents() -> None:
    knowledge = small_knowledge()
    ms, als = knowledge.pairs
    first = replace(knowledge.documents[0], id="first")
    late = replace(als.provenance, document_id="first", evidence=Span(10_000, 10_010))
    several = replace(
        knowledge,
        documents=(first, *knowledge.documents),
        passages=(replace(knowledge.passages[0], document_id="first"), *knowledge.passages),
        pairs=(ms, replace(als, provenance=late)),
    )
    assert [q for topic in topics(several) for q in topic.questions] == [als.question, ms.question]


def test_a_great_many_questions_are_counted_not_all_listed() -> None:
    knowledge = small_knowledge()
    many = tuple(
        replace(knowledge.pairs[0], id=str(n), question=f"Question {n}?") for n in range(100)
    )
    (topic,) = topics(replace(knowledge, pairs=many))
    assert (len(topic.questions), topic.more) == (60, 40)
    assert SmallBot(replace(knowledge, pairs=many)).knowledge.pairs == many


def test_a_first_message_sent_again_finds_the_conversation_it_began(tmp_path: Path) -> None:
    bot = SmallBot()
    with small_site(tmp_path, bot) as client:
        sent = {"question": "is ALS fatal?", "client_id": "0123456789abcdef" * 2}
        first, again = (client.post("/api/ask", json=sent).json() for _ in range(2))
        assert again == first
        assert bot.asked == 1
        another = client.post("/api/ask", json={**sent, "client_id": "f" * 32}).json()
        assert another["conversation_id"] != first["conversation_id"]
        assert client.delete(f"/api/conversations/{first['conversation_id']}").status_code == 204


def test_all_that_an_owner_can_set_is_documented() -> None:
    told = (Path(__file__).parent.parent / "docs/widget.md").read_text(encoding="utf-8")
    scripts = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.js")}
    code = "".join(scripts.values())
    attributes = re.findall(r'^    ([a-z]+): "', scripts[LOADER], re.M)
    variables = re.findall(r"var\((--quoth-[a-z-]+)", code)
    parts = re.findall(r'part(?:: | = )"([a-z]+)"', code)
    events = [f"quoth-{name}" for name in re.findall(r'emit\("([a-z]+)"', code)]
    assert min(map(len, (attributes, variables, parts, events))) > 5
    for name in (*attributes, *variables, *parts, *events):
        assert f"`{name}`" in told, name
    listed = re.findall(r"`(--quoth-[a-z-]+)`", told)
    assert set(listed) == set(variables)
