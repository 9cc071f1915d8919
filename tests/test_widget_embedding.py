"""The widget as the owner of a website embeds it, and what no website can do to it."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack, closing
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from browsing import LIVES, PAGE, STRICT, OtherSite, visiting
from playwright.sync_api import Browser, Page, expect
from served import Served
from small_bot import SmallBot, serving, small_knowledge, small_site

from bot.channels.http import create_app
from bot.channels.sites import Sites
from bot.documents.documents import document_from_text
from bot.documents.passages import split_passages
from bot.knowledge.knowledge import Knowledge
from bot.state.store import Store
from bot.types import Provenance, Span


def test_two_chats_on_a_page_hold_two_conversations(
    browser: Browser, served: Served, other_site: OtherSite
) -> None:
    tag = f'<script src="{served.address}/widget.js" data-element="none" defer></script>'
    chats = "".join(f'<quoth-chat id="{id}" mode="inline"></quoth-chat>' for id in "ab")
    url = other_site.put(PAGE.format(chats), STRICT.format(host=served.address), head=tag)
    with visiting(browser, url, viewport={"width": 900, "height": 1500}) as chat:
        first, second = (chat.page.locator(f"#{id}") for id in "ab")
        for one, question in ((first, "is ALS fatal?"), (second, "is MS fatal?")):
            one.get_by_role("combobox").fill(question)
            one.get_by_role("combobox").press("Enter")
        expect(first.locator("blockquote")).to_contain_text("ALS is a fatal disease")
        expect(second.locator("blockquote")).to_contain_text("MS is not a fatal disease")
        names = chat.page.get_by_role("region", name="Conversation")
        assert len({one.get_attribute("aria-label") for one in names.all()}) == 2
        assert chat.said == []


SAFE = "MS is not a fatal disease."
EVIL = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def evil_knowledge() -> Knowledge:
    """The small knowledge from a document that tries to be run."""
    guide = document_from_text(
        f"# Guide {EVIL}\n\f\n{EVIL} {SAFE} Note: {EVIL}",
        id="a/b?<c>",
        title=f"Title {EVIL}",
        source="g.md",
        url="javascript:window.hacked=1",
    )
    knowledge = small_knowledge()
    at = guide.text.index(SAFE)
    place = Provenance(guide.id, Span(at, at + len(SAFE)), guide.sha256)
    return replace(
        knowledge,
        title=f"All {EVIL}",
        documents=(guide,),
        passages=split_passages(guide),
        pairs=(replace(knowledge.pairs[0], answer=SAFE, provenance=place),),
        contact="javascript:window.hacked=1",
    )


def test_markup_in_question_document_and_strings_stays_text(
    browser: Browser, tmp_path: Path
) -> None:
    other = OtherSite()
    bot = SmallBot(evil_knowledge())
    with closing(other), small_site(tmp_path, bot, allowed_origins=(other.origin,)) as client:
        data = {
            "strings": json.dumps({"send": EVIL, "source": EVIL, "suggestions": EVIL}),
            "greeting": EVIL,
            "contact": "javascript:window.hacked=1",
        }
        written = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
        source = client.base_url.join("/widget.js")
        # Without a policy that would stop what gets through.
        url = other.put(PAGE.format(""), head=f'<script src="{source}" {written} defer></script>')
        with visiting(browser, url) as chat:
            chat.open()
            shown = chat.ask(f"is MS fatal? {EVIL}")
            expect(chat.page.locator(".question")).to_have_text(f"is MS fatal? {EVIL}")
            link = shown.get_by_role("link")
            expect(link).to_contain_text(f"Title {EVIL}")
            expect(link).to_contain_text(" · page 2 (")
            assert "/source/a%2Fb%3F%3Cc%3E?" in (link.get_attribute("href") or "")
            expect(chat.page.locator("h2")).to_have_text(f"All {EVIL}")
            expect(chat.page.locator(".greeting p").first).to_have_text(EVIL)
            expect(shown.locator("figcaption")).to_contain_text(EVIL)
            assert chat.page.locator("a[href^=javascript]").count() == 0
            assert chat.page.locator("quoth-chat :is(img, script)").count() == 0
            assert chat.page.evaluate("window.hacked") is None


def test_a_page_drives_the_chat_by_attributes_methods_and_events(embedded: Any) -> None:
    with embedded('data-theme="dark" data-heading="Help" data-accent="#7a1fa2"') as chat:
        page: Page = chat.page
        page.evaluate(
            """() => {
                window.seen = [];
                for (const name of ["open", "question", "reply", "close", "restart"]) {
                    document.addEventListener(
                        `quoth-${name}`, ({ detail }) => seen.push([name, detail.kind ?? ""]));
                }
            }"""
        )
        page.evaluate("document.querySelector('quoth-chat').ask('is ALS fatal?')")
        chat.reply(0)
        expect(page.get_by_role("heading", name="Help")).to_be_visible()
        page.evaluate("document.querySelector('quoth-chat').close()")
        expect(chat.launcher).to_be_visible()
        assert page.evaluate("seen") == [
            ["open", ""],
            ["question", ""],
            ["reply", "answer"],
            ["close", ""],
        ]
        colour = chat.launcher.evaluate("(node) => getComputedStyle(node).backgroundColor")
        assert colour == "rgb(122, 31, 162)"


def test_every_word_is_in_the_other_language_or_the_owners(embedded: Any) -> None:
    with embedded(
        """data-strings='{"send": "Los!", "nonsense": 1}'""", html='lang="de-CH"'
    ) as chat:
        chat.page.get_by_role("button", name="Frage stellen").click()
        expect(chat.page.get_by_role("button", name="Los!")).to_be_visible()
        expect(chat.input).to_have_attribute("placeholder", "Ihre Frage")
        shown = chat.ask(LIVES)
        expect(shown.get_by_text("Absatz zeigen")).to_be_visible()
        # The quote stays in the document's language, and says so to screen readers.
        assert shown.locator("blockquote").get_attribute("lang") == "en"
        assert chat.page.locator(".root").get_attribute("lang") == "de-CH"
        # Changed while it is open, with what was said still there.
        chat.page.evaluate("document.querySelector('quoth-chat').lang = 'en'")
        expect(shown.get_by_text("Show the paragraph")).to_be_visible()
        chat.page.evaluate("document.querySelector('quoth-chat').strings = { passage: 'More' }")
        expect(shown.get_by_text("More")).to_be_visible()
        assert chat.said == []


def test_a_chat_in_the_page_loads_when_it_is_near_and_shows_its_form_until_then(
    browser: Browser, served: Served, other_site: OtherSite
) -> None:
    tag = f'<script src="{served.address}/widget.js" data-element="none" defer></script>'
    far = '<div id="far"></div>'
    url = other_site.put(PAGE.format(far), STRICT.format(host=served.address), head=tag)
    with visiting(browser, url) as chat:
        loaded: list[str] = []
        chat.page.on("request", lambda request: loaded.append(request.url))
        chat.page.evaluate("document.querySelector('#far').style.height = '4000px'")
        chat.page.evaluate(
            """() => {
                const chat = document.createElement("quoth-chat");
                chat.setAttribute("mode", "inline");
                const field = document.createElement("input");
                field.setAttribute("aria-label", "Plain");
                chat.append(field);
                document.querySelector("main").append(chat);
            }"""
        )
        expect(chat.page.get_by_label("Plain")).to_be_visible()
        chat.page.wait_for_timeout(200)
        assert loaded == [], "what is far off costs nothing"
        chat.host.scroll_into_view_if_needed()
        chat.input.wait_for()
        expect(chat.page.get_by_label("Plain")).to_be_hidden()
        expect(chat.input).not_to_be_focused()
        expect(chat.ask(LIVES).locator("blockquote")).to_be_visible()
        assert chat.page.evaluate("scrollY") > 1000, "a reply scrolls the chat, not the page"


def test_the_snippet_of_the_first_page_works_and_nothing_else_runs_in_its_place(
    browser: Browser, served: Served, other_site: OtherSite
) -> None:
    with visiting(browser, served.address) as home:
        home.page.get_by_label("Theme").select_option("dark")
        home.page.get_by_label("Title").fill('Ask "us" & more')
        snippet = home.page.locator("#snippet").text_content() or ""
        assert home.said == []
    assert 'integrity="sha384-' in snippet
    assert 'data-heading="Ask &quot;us&quot; &amp; more"' in snippet
    policy = STRICT.format(host=served.address)
    url = other_site.put(PAGE.format(""), policy, head=snippet)
    with visiting(browser, url) as chat:
        chat.open()
        expect(chat.page.get_by_role("heading", name='Ask "us" & more')).to_be_visible()
        assert chat.host.get_attribute("theme") == "dark"
        assert chat.said == []
    for changed in ("widget.js", "reply.js"):
        with visiting(browser, "about:blank") as chat:
            chat.page.route(f"**/{changed}", lambda route: _tampered(route))
            chat.page.goto(url)
            if changed == "widget.js":
                assert chat.page.locator("quoth-chat").count() == 0
            else:
                chat.launcher.click()
                form = chat.page.get_by_role("alert")
                assert form.get_attribute("href") == f"{served.address}/ask"
            assert any("integrity" in line for line in chat.said)
            assert chat.page.evaluate("window.hacked") is None


def _tampered(route: Any) -> None:
    response = route.fetch()
    route.fulfill(response=response, body=response.text() + "\nwindow.hacked = 1;")


def test_a_website_that_is_not_named_may_not_ask(browser: Browser, served: Served) -> None:
    tag = f'<script src="{served.address}/widget.js" defer></script>'
    with closing(OtherSite()) as stranger:
        url = stranger.put(PAGE.format(""), head=tag)
        with visiting(browser, url) as chat:
            chat.open()
            expect(chat.page.get_by_role("alert")).to_have_text(
                "This chat is not set up for this website."
            )


def test_a_document_with_an_address_is_opened_at_the_quote(
    browser: Browser, served: Served
) -> None:
    long = "One two three four five six seven, " * 8 + "the very end - it is."
    with visiting(browser, served.address) as home:
        home.input.wait_for()
        panel = home.page.locator("link[rel=modulepreload][href*='reply.js']").get_attribute("href")
        links = home.page.evaluate(
            """async ([path, quotes, urls]) => {
                const { sourceLink } = await import(path);
                const link = (url, quote, page) => sourceLink(
                    { document: "d", url, page, quote, start: 1, end: 2 }, "https://bot.example");
                return [...quotes.flatMap((quote) => urls.map((url) => link(url, quote, null))),
                    link(urls[0], quotes[0], 3)];
            }""",
            [
                panel,
                ["Short, a-b & c.", long],
                [
                    "https://doc.example/page",
                    "https://doc.example/page#part",
                    "javascript:alert(1)",
                    "mailto:a@b.example",
                ],
            ],
        )
    assert links[0] == "https://doc.example/page#:~:text=Short%2C%20a%2Db%20%26%20c."
    assert links[1].startswith("https://doc.example/page#part:~:text=Short")
    assert links[8] == links[0].replace("#", "#page=3", 1), "a viewer of PDFs opens the page"
    assert links[2] == links[6] == "https://bot.example/source/d?start=1&end=2#1-2"
    assert links[3] == "mailto:a@b.example"
    ends = [unquote(part) for part in re.split("text=|,", links[4])[1:]]
    assert ends == ["One two three four five six", "the very end - it is."]


def test_chats_of_two_sites_on_one_page_ask_each_at_its_own(
    browser: Browser, bot: Any, settings: Any, other_site: OtherSite, tmp_path: Path
) -> None:
    with ExitStack() as stack:

        def open_store(site: str) -> Store:
            return stack.enter_context(closing(Store(f"sqlite:///{tmp_path}/q.db", site=site)))

        changed = {"allowed_origins": (other_site.origin,), "rate_per_minute": 6000}
        sites = Sites(settings.model_copy(update=changed), open_store, ["article", "small"])
        sites.serve("article", bot)
        small: Any = SmallBot()
        sites.serve("small", small)
        address = stack.enter_context(serving(create_app(sites)))
        tag = '<script src="{}/{}/widget.js" data-mode="inline" data-target="#{}" defer></script>'
        tags = "".join(tag.format(address, site, site) for site in ("article", "small"))
        places = '<div id="article"></div><div id="small"></div>'
        url = other_site.put(PAGE.format(places), STRICT.format(host=address), head=tags)
        size = {"width": 900, "height": 1500}
        chat = stack.enter_context(visiting(browser, url, viewport=size))
        for site, question in (("article", "is ALS fatal?"), ("small", "is MS fatal?")):
            field = chat.page.locator(f"#{site}").get_by_role("combobox")
            field.fill(question)
            field.press("Enter")
            expect(chat.page.locator(f"#{site} blockquote")).to_be_visible()
        assert small.asked == 1
        link = chat.page.locator("#small figcaption a, #small a[href*='/source/']").first
        assert (link.get_attribute("href") or "").startswith(f"{address}/small/source/")
        assert chat.said == []
