"""Several knowledges in one server: each at its own address, with its own settings and memory."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from shops import NOTE, make_shop
from small_bot import SmallBot, serving

from bot.bot import Bot, Engine
from bot.channels import watching
from bot.channels.apart import load_apart
from bot.channels.http import create_app
from bot.channels.sites import Sites, folders_in, site_of
from bot.channels.watching import Watcher, state_of
from bot.errors import KnowledgeError, QuothError, SettingsError
from bot.knowledge.files import read_manifest
from bot.knowledge.knowledge import load_knowledge
from bot.settings import Settings
from bot.state.inbox import Event, Inbox
from bot.state.outbox import Outbox
from bot.state.store import Keeping, Store
from bot.types import Turn

CLINIC = {
    "When is the clinic open?": "The clinic is open around the clock.",
    "Where is the clinic?": "The clinic stands beside the river.",
}
CLINIC_NOTE = "Disclaimer: this page is not medical advice and does not replace a physician."


@pytest.fixture(scope="module")
def sites_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sites")
    make_shop(root / "shop", site={"allowed_origins": ["https://shop.example"], "max_wrong": None})
    make_shop(
        root / "clinic",
        CLINIC,
        title="The clinic",
        note=CLINIC_NOTE,
        contact="desk@clinic.example",
        texts={"decline.language": "English only, here at the clinic."},
    )
    (root / "broken").mkdir()
    (root / "broken" / "knowledge.yaml").write_text("title: Broken\ndocuments: 7\n", "utf-8")
    (root / "no-knowledge").mkdir()
    return root


@pytest.fixture(scope="module")
def client(
    sites_folder: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    url = f"sqlite:///{tmp_path_factory.mktemp('state')}/quoth.db"
    changed = {"allowed_origins": ("https://all.example",), "rate_per_minute": 6000}
    own = settings.model_copy(update=changed)
    stores: list[Store] = []

    def open_store(site: str) -> Store:
        stores.append(Store(url, Keeping(questions="full"), site=site))
        return stores[-1]

    engine = Engine(own)
    sites = Sites(own, open_store, folders_in(sites_folder))

    def load(folder: Path) -> Bot:
        return Bot.load(own.model_copy(update={"knowledge": folder}), engine=engine)

    Watcher(sites_folder, sites, load, 0).load_all()
    with serving(create_app(sites)) as address, httpx.Client(base_url=address) as client:
        yield client
    for store in stores:
        store.close()


def ask(client: httpx.Client, site: str, question: str, **fields: Any) -> dict[str, Any]:
    response = client.post(f"/{site}/api/ask", json={"question": question, **fields})
    assert response.status_code == 200, response.text
    return dict(response.json())


def test_each_site_answers_from_its_own_documents_with_its_own_note(client: httpx.Client) -> None:
    shop = ask(client, "shop", "When is the shop open?")
    clinic = ask(client, "clinic", "When is the clinic open?")
    assert (shop["kind"], shop["disclaimer"]) == ("answer", NOTE)
    assert (clinic["kind"], clinic["disclaimer"]) == ("answer", CLINIC_NOTE)
    assert ask(client, "clinic", "How long is the warranty?")["kind"] != "answer"
    french = "Quels sont vos horaires et vos tarifs pour la réparation ?"
    assert ask(client, "clinic", french)["text"].startswith("English only, here at the clinic.")
    assert "clinic" not in ask(client, "shop", french)["text"]
    assert client.get("/clinic/api/about").json()["contact"] == "desk@clinic.example"
    assert client.get("/shop/api/about").json()["contact"] is None


def test_a_conversation_is_known_at_its_own_site_only(client: httpx.Client) -> None:
    first = ask(client, "shop", "When is the shop open?")
    id, turn = first["conversation_id"], first["turn_id"]
    assert ask(client, "clinic", "again", conversation_id=id)["conversation_id"] != id
    assert ask(client, "shop", "again", conversation_id=id)["conversation_id"] == id
    given = {"turn_id": turn, "helpful": False}
    assert client.post("/clinic/api/feedback", json=given).status_code == 404
    assert client.post("/shop/api/feedback", json=given).status_code == 204
    assert client.delete(f"/clinic/api/conversations/{id}").status_code == 404
    assert client.delete(f"/shop/api/conversations/{id}").status_code == 204


def test_a_message_of_the_same_name_is_another_one_at_another_site(client: httpx.Client) -> None:
    name = "a" * 32
    shop = ask(client, "shop", "When is the shop open?", client_id=name)
    clinic = ask(client, "clinic", "When is the clinic open?", client_id=name)
    assert clinic["turn_id"] != shop["turn_id"]
    assert ask(client, "shop", "When is the shop open?", client_id=name) == shop


@pytest.mark.parametrize(
    ("site", "origin", "may"),
    [
        ("shop", "https://shop.example", True),
        ("shop", "https://all.example", False),
        ("clinic", "https://all.example", True),
        ("clinic", "https://shop.example", False),
    ],
)
def test_each_site_has_its_own_websites(
    client: httpx.Client, site: str, origin: str, may: bool
) -> None:
    response = client.get(f"/{site}/api/about", headers={"origin": origin})
    assert (response.status_code == 200) is may
    wish = {"origin": origin, "access-control-request-method": "POST"}
    told = client.options(f"/{site}/api/ask", headers=wish).headers
    assert (told.get("access-control-allow-origin") == origin) is may


def test_every_link_of_a_sites_pages_leads_to_the_site(client: httpx.Client) -> None:
    asked = client.get("/clinic/ask", params={"question": "Where is the clinic?"})
    source = client.get("/clinic/source/shop", params={"start": 12, "end": 40})
    missing = client.get("/clinic/nowhere", headers={"accept": "text/html"})
    assert missing.status_code == 404
    for page in (client.get("/clinic/"), client.get("/clinic/ask"), asked, source, missing):
        assert "The clinic" in page.text
        links = set(re.findall(r'(?:href|src|action|cite)="(/[^"]*)"', page.text))
        assert links
        for link in links:
            assert link.startswith(("/clinic/", "/static/", "/openapi.json")), link
            assert client.get(link.replace("&amp;", "&")).status_code == 200, link
    assert client.get("/clinic", follow_redirects=False).headers["location"] == "/clinic/"
    address = str(client.base_url).rstrip("/")
    assert f"{address}/clinic/widget/" in client.get("/clinic/").text


def test_the_widget_comes_from_the_site_and_asks_there(client: httpx.Client) -> None:
    newest = client.get("/shop/widget.js")
    assert newest.status_code == 200
    assert newest.text == client.get("/clinic/widget.js").text
    (path,) = re.findall(r"/shop(/widget/\w+/widget\.js)&quot;", client.get("/shop/").text)[:1]
    assert client.get(f"/shop{path}").content == newest.content


def test_the_first_page_lists_the_sites_and_nothing_answers_beside_them(
    client: httpx.Client,
) -> None:
    page = client.get("/").text
    assert re.findall(r'<li><a href="(/\w+/)">([^<]+)</a> · (\d)', page) == [
        ("/shop/", "The bicycle shop", "4"),
        ("/clinic/", "The clinic", "2"),
    ]
    for path in ("/api/ask", "/nowhere/api/ask", "/no-knowledge/api/ask"):
        assert client.post(path, json={"question": "hello"}).status_code in (404, 405), path
    assert client.get("/widget.js").status_code == 404


def test_a_broken_site_is_told_and_stops_no_other(client: httpx.Client) -> None:
    assert client.post("/broken/api/ask", json={"question": "hello"}).status_code == 503
    state = client.get("/readyz").json()
    assert (state["status"], state["store"]) == ("degraded", "ok")
    sites = state["sites"]
    assert sites["shop"] == {"status": "ready", "pairs": 4, "quarantined": 0, "fault": None}
    assert sites["clinic"]["status"] == "ready"
    assert sites["broken"]["status"] == "degraded"
    assert sites["broken"]["fault"].startswith("knowledge.yaml:2: ")
    assert client.get("/healthz").json() == {"status": "ok"}


def test_the_metrics_and_the_description_tell_by_site(client: httpx.Client) -> None:
    ask(client, "shop", "When is the shop open?")
    text = client.get("/metrics").text
    assert 'quoth_replies_total{kind="answer",reason="",site="shop"}' in text
    assert 'quoth_pairs{site="clinic"} 2.0' in text
    assert 'quoth_knowledge_loads_total{outcome="refused",site="broken"} 1.0' in text
    assert 'route="/api/ask",status="200"' in text
    described = client.get("/openapi.json").json()["paths"]["/{site}/api/ask"]["post"]
    assert [p["name"] for p in described["parameters"]] == ["site"]


def test_asking_is_limited_at_a_site_too(
    sites_folder: Path, settings: Settings, tmp_path: Path
) -> None:
    own = settings.model_copy(update={"rate_per_minute": 2, "knowledge": sites_folder / "shop"})
    with closing(Store(f"sqlite:///{tmp_path}/quoth.db")) as store:
        sites = Sites(own, lambda name: store, ["shop"])
        sites.serve("shop", Bot.load(own))
        with serving(create_app(sites)) as address:
            said = [
                httpx.post(f"{address}/shop/api/ask", json={"question": "hello"}).status_code
                for _ in range(3)
            ]
    assert said == [200, 200, 429]


@pytest.mark.parametrize("name", ["api", "Shop", "a.b", "-x", "x" * 41, "widget"])
def test_a_folder_whose_name_is_no_address_is_refused(tmp_path: Path, name: str) -> None:
    make_shop(tmp_path / "good")
    assert folders_in(tmp_path) == {"good": tmp_path / "good"}
    make_shop(tmp_path / name)
    with pytest.raises(SettingsError, match="can't be a site"):
        folders_in(tmp_path)


def test_a_folder_is_a_site_of_the_folder_around_it_alone(tmp_path: Path) -> None:
    make_shop(tmp_path / "shop")
    assert site_of(tmp_path, tmp_path / "x" / ".." / "shop") == "shop"
    assert site_of(tmp_path / "shop", tmp_path / "shop") == ""
    assert site_of(tmp_path.parent, tmp_path / "shop") == ""


def test_a_folder_with_a_knowledge_of_its_own_is_the_only_site(tmp_path: Path) -> None:
    make_shop(tmp_path)
    make_shop(tmp_path / "shop")
    assert folders_in(tmp_path) == {"": tmp_path}
    assert folders_in(tmp_path / "nowhere") == {"": tmp_path / "nowhere"}


@pytest.mark.parametrize(
    ("site", "says"),
    [
        ({"max_wrong": 2}, "max_wrong '2' is no number above 0"),
        ({"allowed_origins": ["example.org"]}, "'example.org' is not an origin"),
        ({"allowed_origin": []}, "allowed_origin"),
    ],
)
def test_a_wrong_setting_of_a_site_is_named_with_its_line(
    tmp_path: Path, site: dict[str, object], says: str
) -> None:
    make_shop(tmp_path, site=site)
    with pytest.raises(KnowledgeError, match=rf"knowledge\.yaml:\d+: .*{says}"):
        read_manifest(tmp_path / "knowledge.yaml")


def test_a_folder_that_is_no_site_is_told_once_while_the_server_runs(
    tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    make_shop(tmp_path / "shop")
    with closing(Store(f"sqlite:///{tmp_path}/quoth.db")) as store:
        sites = Sites(settings, lambda name: store, ["shop"])

        def load(folder: Path) -> Bot:
            return Bot.load(settings.model_copy(update={"knowledge": folder}))

        watcher = Watcher(tmp_path, sites, load, 0.02)
        watcher.load_all()
        before = sites.first
        make_shop(tmp_path / "Not A Site")
        watcher.start()
        time.sleep(0.3)
        watcher.stop()
    assert sites.first is before
    assert [r.getMessage() for r in caplog.records if "can't be a site" in r.getMessage()] == [
        caplog.records[-1].getMessage()
    ]


def test_a_change_behind_a_link_is_seen_and_links_in_a_circle_end(tmp_path: Path) -> None:
    folder = make_shop(tmp_path / "shop")
    (folder / "documents").rename(tmp_path / "elsewhere")
    (folder / "documents").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "up").symlink_to(folder)
    before = state_of(folder)
    with (tmp_path / "elsewhere" / "shop.txt").open("a") as document:
        document.write("It is closed on Sundays.\n")
    after = state_of(folder)
    assert [path for path, *_ in set(after) - set(before)] == [f"{folder}/documents/shop.txt"]
    assert len(after) == 3


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_site_whose_folder_is_taken_away_answers_no_more_until_it_is_back(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "AWAY", 0.5)
    root = tmp_path / "sites"
    for name in ("bank", "clinic", "shop"):
        make_shop(root / name)
    own = settings.model_copy(update={"rate_per_minute": 6000})
    engine = Engine(own)
    with ExitStack() as stack:

        def open_store(site: str) -> Store:
            return stack.enter_context(closing(Store(f"sqlite:///{tmp_path}/q.db", site=site)))

        sites = Sites(own, open_store, folders_in(root))

        def load(folder: Path) -> Bot:
            return Bot.load(own.model_copy(update={"knowledge": folder}), engine=engine)

        watcher = Watcher(root, sites, load, 0.02, needed=("bank",))
        watcher.load_all()
        address = stack.enter_context(serving(create_app(sites)))
        client = stack.enter_context(httpx.Client(base_url=address))
        watcher.start()
        stack.callback(watcher.stop)

        def status(site: str) -> int:
            question = {"question": "When is the shop open?"}
            return client.post(f"/{site}/api/ask", json=question).status_code

        (root / "clinic").rename(tmp_path / "clinic")
        wait_until(lambda: status("clinic") == 404)
        assert client.get("/readyz").json()["sites"].keys() == {"bank", "shop"}
        assert client.get("/readyz").json()["status"] == "ready"
        assert 'quoth_pairs{site="clinic"}' not in client.get("/metrics").text
        assert "/clinic/" not in client.get("/").text
        (tmp_path / "clinic").rename(root / "clinic")
        wait_until(lambda: status("clinic") == 200)

        for name in ("bank", "clinic", "shop"):  # one is needed, and then it is the last as well
            (root / name).rename(tmp_path / name)
        wait_until(lambda: status("clinic") == status("shop") == 404)
        state = client.get("/readyz").json()
        assert (state["status"], state["sites"].keys()) == ("degraded", {"bank"})
        assert "the folder of bank is gone" in state["sites"]["bank"]["fault"]
        assert status("bank") == 200


def test_a_site_that_is_being_replaced_is_not_taken_for_gone(
    tmp_path: Path, settings: Settings
) -> None:
    root = tmp_path / "sites"
    for name in ("clinic", "shop"):
        make_shop(root / name)
    with closing(Store(f"sqlite:///{tmp_path}/quoth.db")) as store:
        sites = Sites(settings, lambda name: store, folders_in(root))
        for name in ("clinic", "shop"):
            sites.serve(name, Bot.load(settings.model_copy(update={"knowledge": root / name})))
        loaded: list[Path] = []

        def load(folder: Path) -> Bot:
            loaded.append(folder)
            return sites.named(folder.name).bot

        watcher = Watcher(root, sites, load, 0.02)
        watcher.load_all()
        watcher.start()
        (root / "shop").rename(tmp_path / "shop")
        time.sleep(1.0)
        assert sites.named("shop").bot
        make_shop(root / "shop", title="Another")
        loaded.clear()
        wait_until(lambda: loaded == [root / "shop"])
        watcher.stop()
    assert [site.name for site in sites.all()] == ["clinic", "shop"]


def test_a_state_in_which_no_answer_stands_is_refused_and_told(
    tmp_path: Path, settings: Settings
) -> None:
    folder = make_shop(tmp_path / "shop")
    own = settings.model_copy(update={"knowledge": folder})
    sha = load_knowledge(folder).documents[0].sha256[:12]
    with closing(Store(f"sqlite:///{tmp_path}/quoth.db")) as store:
        sites = Sites(own, lambda name: store, ("",))
        watcher = Watcher(folder, sites, lambda folder: Bot.load(own), 0.02)
        watcher.load_all()
        watcher.start()
        (folder / "pairs.yaml").write_text(
            f"- question: Since when?\n  answer: Since 1990.\n  evidence: shop@{sha}:0-5\n"
        )
        wait_until(lambda: "" in sites.faults)
        watcher.stop()
        assert sites.faults[""].startswith("pairs.yaml: no answer stands in its document any more")
        assert len(sites.named("").bot.knowledge.pairs) == 4


def test_what_was_kept_for_a_site_that_is_not_served_goes_in_its_time(
    tmp_path: Path, settings: Settings
) -> None:
    url = f"sqlite:///{tmp_path}/quoth.db"
    turn = Turn("t", "is it fatal?", "is it fatal?", "decline")
    with closing(Store(url, clock=lambda: 1e9, site="broken")) as long_ago:
        long_ago.add_turn("c", turn, {})
        assert len(long_ago.questions()) == 1
        inbox = Inbox(long_ago.database, clock=lambda: 1e9)
        inbox.accept([Event("line", "e", "line.c", {"text": "is it fatal?"})])
        with long_ago.database.transaction(write=True) as db:
            inbox.dead(db, 1, "KeyError")
    with closing(Store(url, site="broken")) as broken, closing(Store(url, site="shop")) as shop:
        stores = {"broken": broken, "shop": shop}
        sites = Sites(settings, stores.__getitem__, stores)
        small: Any = SmallBot()
        sites.serve("shop", small)
        letters = Outbox(broken.database).letters
        assert len(letters()) == 1
        with serving(create_app(sites)):
            wait_until(lambda: broken.questions() == () and not letters())


def test_loading_apart_ends_when_it_is_given_up(tmp_path: Path, settings: Settings) -> None:
    make_shop(tmp_path / "shop")
    with pytest.raises(QuothError, match="the process that loads it ended with"):
        load_apart(tmp_path / "shop", settings, lambda: True)
    with pytest.raises(KnowledgeError, match="there is no such folder"):
        load_apart(tmp_path / "nowhere", settings, lambda: True)
