"""What holds for every channel, whichever platform it serves."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from platforms import BY_NAME, NOW, PLATFORMS, Platform
from replies import answered, clarified, declined

from bot.channels.messaging.authorise import authorised
from bot.channels.messaging.incoming import (
    Action,
    Handshake,
    Ignored,
    IncomingMessage,
    OutgoingRequest,
    RawRequest,
    Rejected,
)
from bot.channels.messaging.options import chosen
from bot.channels.messaging.protocol import DELIVERIES
from bot.channels.messaging.registry import CHANNELS
from bot.types import Conversation, Turn

LONG = "What is the difference between multiple sclerosis and amyotrophic lateral sclerosis?"
OPTIONS = ("Is MS fatal?", "Is ALS fatal?", LONG)

each = pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.name)
with_buttons = pytest.mark.parametrize(
    "platform", [p for p in PLATFORMS if p.press], ids=lambda p: p.name
)


def test_every_registered_channel_is_tested() -> None:
    assert [platform.name for platform in PLATFORMS] == list(CHANNELS)


@each
def test_a_message_arrives_with_its_text(platform: Platform) -> None:
    message = platform.message("What is MS & what < ALS > ?")
    assert message.channel == platform.name
    assert message.text == "What is MS & what < ALS > ?"
    assert message.picked is None


@each
def test_the_same_event_has_the_same_keys_and_another_has_not(platform: Platform) -> None:
    one, again, other = (platform.message(key=key) for key in ("1", "1", "2"))
    assert one == again
    assert one.conversation_key == other.conversation_key
    if platform.name != "generic":  # there the key is the webhook's id
        assert one.event_key != other.event_key


@each
def test_ids_of_people_are_hashed(platform: Platform) -> None:
    message = platform.message()
    for key in (message.conversation_key, message.sender):
        assert len(key) == 32
        int(key, 16)


@each
def test_reprs_tell_nothing(platform: Platform) -> None:
    message = platform.message("SECRET WORDS")
    sent = platform.channel.render(answered("SECRET QUOTE"), message.reply_to)
    request = platform.sign(platform.event("SECRET WORDS", "1"))
    shown = repr((message, sent, request, platform.secrets, platform.channel))
    assert "SECRET" not in shown.replace("SECRET_TOKEN", "").replace(platform.secret, "")
    for name in ("SIGNING_SECRET", "BOT_TOKEN", "TOKEN", "ACCESS_TOKEN", "AUTH_TOKEN", "SECRET"):
        value = platform.secrets.get(name)
        assert not value or value not in shown


@each
def test_another_method_is_refused(platform: Platform) -> None:
    request = replace(platform.sign(platform.event("Hi", "1")), method="DELETE")
    found = platform.channel.receive(request, platform.secrets, NOW)
    assert found == Rejected("method")
    assert found.status == 405


@each
def test_a_request_without_headers_is_refused(platform: Platform) -> None:
    request = replace(platform.sign(platform.event("Hi", "1")), headers={})
    assert platform.channel.receive(request, platform.secrets, NOW) == Rejected("signature")


@each
def test_a_signed_body_that_is_no_json_is_refused(platform: Platform) -> None:
    found = platform.channel.receive(platform.sign(b"\xff\xfe"), platform.secrets, NOW)
    assert isinstance(found, Rejected)


@each
def test_rendering_is_deterministic_and_survives_storage(platform: Platform) -> None:
    to = platform.message().reply_to
    stored_to = json.loads(json.dumps(dict(to)))
    for reply in (answered("MS is not fatal."), clarified(OPTIONS), declined("No.", OPTIONS)):
        sent = platform.channel.render(reply, to)
        assert sent == platform.channel.render(reply, stored_to)
        for request in sent:
            kept = json.loads(json.dumps(request.to_json()))
            assert OutgoingRequest.from_json(kept) == request


@each
def test_what_is_stored_holds_no_credentials(platform: Platform) -> None:
    sent = platform.channel.render(answered("MS is not fatal."), platform.message().reply_to)
    kept = json.dumps([request.to_json() for request in sent])
    for name in ("BOT_TOKEN", "TOKEN", "ACCESS_TOKEN", "AUTH_TOKEN", "AS_TOKEN", "SECRET"):
        value = platform.secrets.get(name)
        assert not value or value not in kept


@each
def test_credentials_are_added_when_it_is_sent(platform: Platform) -> None:
    sent = platform.channel.render(answered("MS is not fatal."), platform.message().reply_to)
    for request in sent:
        ready = authorised(request, platform.secrets, NOW, token="oauth-token")
        assert "{" not in ready.url
        assert ready.auth == ""
        if request.auth.startswith(("bearer", "basic", "oauth")):
            assert ready.headers["Authorization"].split(" ", 1)[1].strip()


@each
def test_the_keys_of_parts_differ_and_are_stable(platform: Platform) -> None:
    long = answered("MS is not fatal.", lead="Word. " * 9000)
    sent = platform.channel.render(long, platform.message().reply_to)
    found = [r.idempotency_key for r in sent if r.idempotency_key]
    assert len(found) == len(set(found))
    other = platform.channel.render(replace(long, turn_id="turn-2"), platform.message().reply_to)
    assert not set(found) & {r.idempotency_key for r in other}
    if platform.channel.describe().delivery == "exactly once":
        assert len(found) == len(sent)


@with_buttons
@pytest.mark.parametrize("number", [1, 2, 3])
def test_picking_an_option_arrives_as_its_words(platform: Platform, number: int) -> None:
    reply = clarified(OPTIONS)
    sent = platform.channel.render(reply, platform.message().reply_to)[-1]
    assert platform.press is not None
    label, payload = platform.buttons(sent)[number - 1]
    body = platform.press(sent, label, payload)
    found = platform.channel.receive(platform.sign(body), platform.secrets, NOW)
    assert isinstance(found, tuple)
    message = found[-1]
    assert isinstance(message, IncomingMessage)
    assert message.text in (OPTIONS[number - 1], str(number))
    turn = Turn(reply.turn_id, "Is it fatal?", "Is it fatal?", "clarify", offered=OPTIONS)
    other = replace(turn, turn_id="turn-2", offered=("Other?", "Another?", "A third?"))
    conversation = Conversation("c", (turn, other))
    assert message.picked is not None
    assert chosen(message.picked, conversation) == OPTIONS[number - 1]
    assert chosen(message.picked, Conversation("c", (other,))) is None


@with_buttons
def test_picking_belongs_to_the_conversation_it_was_offered_in(platform: Platform) -> None:
    sent = platform.channel.render(clarified(OPTIONS), platform.message().reply_to)[-1]
    assert platform.press is not None
    body = platform.press(sent, *platform.buttons(sent)[0])
    found = platform.channel.receive(platform.sign(body), platform.secrets, NOW)
    assert isinstance(found, tuple)
    asked = platform.message()
    assert found[-1].conversation_key == asked.conversation_key
    assert isinstance(found[-1], IncomingMessage)
    assert found[-1].sender == asked.sender


@with_buttons
def test_whole_labels_replace_the_numbered_lines(platform: Platform) -> None:
    sent = platform.channel.render(clarified(OPTIONS[:2]), platform.message().reply_to)[-1]
    labels = [label for label, _ in platform.buttons(sent)]
    assert labels == list(OPTIONS[:2])
    if platform.name != "generic":
        assert "1. " not in "".join(platform.shown(sent))


@each
def test_a_command_is_understood(platform: Platform) -> None:
    assert platform.message("/start").text == "hello"
    assert platform.message("/delete").text == "delete my data"
    assert platform.message("delete my data").text == "delete my data"


@each
def test_the_description_is_complete(platform: Platform) -> None:
    info = platform.channel.describe()
    assert info.name == platform.name
    assert info.delivery in DELIVERIES
    assert info.limits.text > 0
    assert 200 <= info.acknowledgement.status < 300
    assert all(setting.meaning and setting.form for setting in info.settings)
    assert any(setting.name == platform.secret and setting.required for setting in info.settings)
    if info.probe is not None:
        assert "{" not in authorised(info.probe, platform.secrets, NOW).url


def test_a_message_the_platform_retries_is_taken_like_the_first() -> None:
    """Dropping what has X-Slack-Retry-Num would lose it where the first attempt crashed."""
    slack = BY_NAME["slack"]
    first = slack.sign(slack.event("Hi", "1"))
    again = RawRequest(
        "POST",
        first.url,
        {**first.headers, "x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"},
        first.body,
    )
    assert slack.channel.receive(again, slack.secrets, NOW) == (slack.message("Hi"),)


@each
def test_fields_of_other_types_are_no_fault(platform: Platform) -> None:
    event = platform.event("Hi", "1")
    if not event.startswith(b"{"):
        return
    for junk in (None, 1, True, "x", [], {}, [1], {"a": []}):
        for name, value in json.loads(event).items():
            broken = {**json.loads(event), name: junk}
            body = json.dumps(broken).encode()
            found = platform.channel.receive(platform.sign(body), platform.secrets, NOW)
            assert isinstance(found, Rejected | Ignored | Handshake | tuple), value
            if isinstance(found, tuple):
                assert all(isinstance(f, IncomingMessage | Action) for f in found)
