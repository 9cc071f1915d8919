"""On every channel the answer, the quote, the source and the disclaimer arrive whole."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hostile import lines, texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from platforms import BY_NAME, GUARD, PLATFORMS, PUBLIC, Platform, payload
from replies import answered, clarified, declined

from bot.channels.messaging.body import shown
from bot.channels.messaging.incoming import OutgoingRequest
from bot.readable import readable
from bot.types import Reply

each = pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.name)
split_ones = pytest.mark.parametrize(
    "platform", [p for p in PLATFORMS if p.name != "teams"], ids=lambda p: p.name
)
hard = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.large_base_example]
)
notes = st.none() | texts()
urls = st.none() | st.sampled_from(
    ("https://example.org/a_b*c_(d)?e=f&g=h#i", "https://example.org/" + "x" * 300)
)


def rendered(platform: Platform, reply: Reply) -> tuple[OutgoingRequest, ...]:
    sent = platform.channel.render(reply, platform.message().reply_to)
    assert sent
    for request in sent:
        platform.check(request)
    return sent


def plain(text: str) -> str:
    return shown(text).replace(GUARD, "")


def squash(text: str) -> str:
    return "".join(plain(text).split())


def arrives(platform: Platform, sent: Iterable[OutgoingRequest], parts: Iterable[str]) -> None:
    """Each part is there whole, and in one piece where that is possible."""
    pieces = [plain(text) for request in sent for text in platform.shown(request)]
    together = squash("".join(pieces))
    for part in parts:
        assert squash(part) in together
        if 12 * len(part.encode()) <= platform.chunk:  # whatever its escapes, it fits
            assert any(plain(part) in piece for piece in pieces), part


@split_ones
@hard
@given(
    quote=texts(450), title=lines(), url=urls, note=notes, lead=st.none() | texts(), turn=texts(40)
)
def test_an_answer_arrives_whole(
    platform: Platform,
    quote: str,
    title: str,
    url: str | None,
    note: str | None,
    lead: str | None,
    turn: str,
) -> None:
    reply = answered(quote, title=title, url=url, note=note, lead=lead, turn=turn)
    link = url or f"{PUBLIC}/source/article?start=0&end={len(reply.citations[0].quote)}#0-"
    parts = [readable(reply.citations[0].quote), title, link, note or "", lead or ""]
    arrives(platform, rendered(platform, reply), [part for part in parts if squash(part)])


@each
@hard
@given(first=texts(450), second=texts(450), title=lines(200), url=urls, note=texts(800))
def test_two_quotes_arrive_whole(
    platform: Platform, first: str, second: str, title: str, url: str | None, note: str
) -> None:
    reply = answered(first, second, title=title, url=url, note=note)
    quotes = [citation.quote for citation in reply.citations]
    links = [url] if url else [f"{PUBLIC}/source/article?start=0&end={len(q)}#0-" for q in quotes]
    parts = [*map(readable, quotes), title, *links, note]
    arrives(platform, rendered(platform, reply), [part for part in parts if squash(part)])


@split_ones
@hard
@given(options=st.lists(lines(2000), min_size=2, max_size=4), turn=texts(40))
def test_options_arrive_whole_as_buttons_or_lines(
    platform: Platform, options: list[str], turn: str
) -> None:
    reply = clarified(options, turn)
    sent = rendered(platform, reply)
    buttons = platform.buttons(sent[-1])
    labels = {squash(label) for label, _ in buttons}
    missing = [option for option in options if squash(option) not in labels]
    arrives(platform, sent, [option for option in missing if squash(option)])
    if platform.press:
        assert len(buttons) in (len(options), 0)
        assert len({payload for _, payload in buttons}) == len(buttons)


@each
@hard
@given(text=texts(3000), options=st.lists(lines(200), max_size=5))
def test_a_decline_arrives_whole(platform: Platform, text: str, options: list[str]) -> None:
    sent = rendered(platform, declined(text, options))
    arrives(platform, sent, [text] if squash(text) else [])


@hard
@given(
    quotes=st.lists(texts(450), min_size=1, max_size=2),
    title=lines(300),
    url=urls,
    note=texts(),
    lead=texts(),
)
def test_the_one_message_of_a_teams_webhook_keeps_quotes_and_source(
    quotes: list[str], title: str, url: str | None, note: str, lead: str
) -> None:
    """It can't be split; what is cut is the end of the disclaimer, and that is said."""
    reply = answered(*quotes, title=title, url=url, note=note, lead=lead)
    platform = BY_NAME["teams"]
    sent = rendered(platform, reply)
    assert len(sent) == 1
    assert sent[0].method == "RESPOND"
    kept = [readable(citation.quote) for citation in reply.citations] + [title, url or ""]
    arrives(platform, sent, [part for part in kept if squash(part)])
    text = platform.shown(sent[0])[0]
    assert squash(note) in squash(text) or text.endswith("…")


@each
def test_a_short_answer_is_one_message(platform: Platform) -> None:
    reply = answered("MS is not a fatal disease.")
    sent = rendered(platform, reply)
    assert len(sent) == 1
    text = "\n".join(platform.shown(sent[0]))
    assert "\n".join(line for line in text.split("\n") if line) == "\n".join(
        line for line in reply.text.split("\n") if line
    )


@each
def test_a_document_without_an_address_is_linked_at_ours(platform: Platform) -> None:
    sent = rendered(platform, answered("MS is not fatal.", url=None))
    text = "".join(platform.shown(sent[0]))
    assert f"{PUBLIC}/source/article?start=0&end=16#0-16" in text


@each
def test_the_disclaimer_is_whole_where_the_answer_quotes_it(platform: Platform) -> None:
    note = "Note: it does not provide medical advice. Always ask your physician."
    sent = rendered(platform, answered("it does not provide medical advice.", note=note))
    assert note in "".join(platform.shown(sent[0]))


def test_real_formatting_is_shown_as_written() -> None:
    """What a platform would read as markup reaches it escaped, and links stay links."""
    text = "2 * 3 * 4, *bold*, snake_case, a < b && c > d, :smile:, @everyone"
    link = "https://example.org/a_b*c?d=1&e=2"
    sent = {
        name: BY_NAME[name]
        .channel.render(answered("It is.", url=link, lead=text), BY_NAME[name].message().reply_to)[
            0
        ]
        .body.decode()
        for name in ("slack", "telegram", "discord", "whatsapp", "teams", "googlechat")
    }
    assert "*\\u200bbold*" in sent["slack"].replace(GUARD, "\\u200b")
    assert "a &lt; b &amp;&amp; c &gt; d" in sent["slack"]
    assert f":{GUARD}smile:" in sent["slack"]
    assert "https://example.org/a_b*c?d=1&amp;e=2" in sent["slack"]
    assert "a &lt; b &amp;&amp; c &gt; d" in sent["telegram"]
    assert "\\\\*bold\\\\*" in sent["discord"]
    assert "\\\\@everyone" in sent["discord"]
    assert link in sent["discord"]
    assert f"*{GUARD}bold*" in sent["whatsapp"]
    assert link in sent["whatsapp"]
    assert '<a href=\\"https://example.org/a_b*c?d=1&amp;e=2\\">' in sent["teams"]
    assert f"*{GUARD}bold*" in sent["googlechat"]


def test_an_address_ends_where_markup_begins() -> None:
    """What follows an address without a space must not slip past the escapes with it."""
    text = "https://a.example)\\[label](https://evil.example)|x|"
    sent = BY_NAME["discord"].channel.render(
        answered("It is.", lead=text), BY_NAME["discord"].message().reply_to
    )
    assert r"\\\[label\]\(https://evil.example)\|x\|" in payload(sent[0])["content"]
