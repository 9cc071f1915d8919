"""The vendors' own libraries as judges: what they sign is accepted, what we send they can read."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import platforms as p
import pytest
import telegram
from hypothesis import given, settings
from hypothesis import strategies as st
from linebot.v3.messaging import ApiClient, Configuration, MessagingApi, PushMessageRequest
from linebot.v3.messaging.exceptions import ApiException
from linebot.v3.webhook import SignatureValidator, WebhookParser
from replies import answered, clarified
from senders import environment
from slack_sdk import WebClient
from slack_sdk.models.blocks import Block
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from bot.channels.messaging.authorise import authorised
from bot.channels.messaging.egress import Egress
from bot.channels.messaging.generic import signed_headers
from bot.channels.messaging.incoming import Ignored, OutgoingRequest, RawRequest, Rejected
from bot.channels.messaging.outcome import Delivered, outcome
from bot.channels.messaging.protocol import Setup
from bot.channels.messaging.registry import CHANNELS
from bot.channels.messaging.runtime import Connections
from bot.channels.messaging.whoami import WhoAmI

OPTIONS = ("Is MS fatal?", "Is ALS fatal?", "What is the life expectancy of people with ALS?")
REPLIES = (answered("MS is <not> *fatal* & rare.", url=None), clarified(OPTIONS))
hard = settings(max_examples=200, deadline=None)


# What they sign is accepted ---------------------------------------------------------------------


@hard
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_slack_sdk_signs_what_we_accept(text: str) -> None:
    slack = p.BY_NAME["slack"]
    body, stamp = p.slack_event(text, "1"), str(int(p.NOW))
    verifier = SignatureVerifier("slack-secret")
    signature = verifier.generate_signature(timestamp=stamp, body=body) or ""
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": signature}
    request = p.request("slack", body, headers)
    assert isinstance(slack.channel.receive(request, slack.secrets, p.NOW), tuple)


@hard
@given(
    fields=st.dictionaries(
        st.text("abcXYZ", min_size=1, max_size=5), st.text(st.characters(exclude_categories=["Cs"]))
    ),
    port=st.sampled_from(("", ":443", ":8443")),
)
def test_twilio_signs_what_we_accept(fields: dict[str, str], port: str) -> None:
    twilio = p.BY_NAME["twilio"]
    signed = {
        **fields,
        **{k: v[0] for k, v in parse_qs(p.twilio_event("Hi", "1").decode()).items()},
    }
    url = f"https://quoth.example.org{port}/webhooks/twilio?a=b"
    body = str(httpx.QueryParams(signed)).encode()
    for algorithm in ("HMAC_SHA1", "HMAC_SHA256"):
        signature = RequestValidator("twilio-token").compute_signature(url, signed, algorithm)
        headers = {"x-twilio-signature": signature}
        if algorithm != "HMAC_SHA1":
            settings_header = f"key=k1,algorithm={algorithm}"
            headers["x-twilio-webhooks-signature-settings"] = settings_header
        request = RawRequest("POST", url, headers, body)
        assert isinstance(twilio.channel.receive(request, twilio.secrets, p.NOW), tuple)


@hard
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_line_sdk_accepts_what_we_accept(text: str) -> None:
    line = p.BY_NAME["line"]
    request = line.sign(p.line_event(text, "1"))
    signature = request.headers["x-line-signature"]
    assert SignatureValidator("line-secret").validate(request.body.decode(), signature)
    found = line.channel.receive(request, line.secrets, p.NOW)
    assert isinstance(found, tuple | Ignored)


def test_line_sdk_parses_our_sample_events() -> None:
    for body in (p.line_event("Hi", "1"), p.line_body(type="postback", postback={"data": "q"})):
        request = p.line_sign(body)
        signature = request.headers["x-line-signature"]
        events = WebhookParser("line-secret").parse(body.decode(), signature)
        assert [event.webhook_event_id for event in events]


@hard
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50))
def test_standardwebhooks_signs_what_we_accept(text: str) -> None:
    generic = p.BY_NAME["generic"]
    body = p.generic_event(text, "1")
    at = datetime.fromtimestamp(p.NOW, UTC).replace(tzinfo=None)
    signature = Webhook(p.WEBHOOK_SECRET).sign("msg_1", at, body.decode())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(p.NOW)),
        "webhook-signature": signature,
    }
    found = generic.channel.receive(p.request("generic", body, headers), generic.secrets, p.NOW)
    assert isinstance(found, tuple | Rejected)
    assert found != Rejected("signature")


def test_standardwebhooks_accepts_what_we_sign() -> None:
    generic = p.BY_NAME["generic"]
    for request in generic.channel.render(REPLIES[1], generic.message().reply_to):
        sent = authorised(request, generic.secrets, time.time())
        assert Webhook(p.WEBHOOK_SECRET).verify(sent.body, dict(sent.headers))
    new = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    both = signed_headers((new, p.WEBHOOK_SECRET), "msg_1", time.time(), b"{}")
    for secret in (new, p.WEBHOOK_SECRET):  # while it rotates, either side may be ahead
        Webhook(secret).verify(b"{}", both)


# What we send they can read ---------------------------------------------------------------------


def rendered(name: str) -> Iterator[OutgoingRequest]:
    platform = p.BY_NAME[name]
    for reply in REPLIES:
        yield from platform.channel.render(reply, platform.message().reply_to)


def test_slack_blocks_parse_with_its_models() -> None:
    for sent in rendered("slack"):
        blocks = p.payload(sent)["blocks"]
        parsed = Block.parse_all(blocks)
        assert [block.type for block in parsed] == [block["type"] for block in blocks]
        for block in parsed:
            block.validate_json()
            assert len(block.to_dict().get("elements", [])) in (0, len(OPTIONS))


def test_telegram_models_parse_our_samples_and_keyboards() -> None:
    platform = p.BY_NAME["telegram"]
    update = telegram.Update.de_json(json.loads(p.telegram_event("Hi", "1")), None)
    assert update.effective_message is not None
    assert update.effective_message.text == "Hi"
    sent = platform.channel.render(clarified(OPTIONS), {"chat": "42"})[0]
    keyboard = telegram.InlineKeyboardMarkup.de_json(p.payload(sent)["reply_markup"], None)
    assert [row[0].callback_data for row in keyboard.inline_keyboard] == [
        data for _, data in p.telegram_buttons(sent)
    ]
    pressed = json.loads(p.telegram_press(sent, *p.telegram_buttons(sent)[0]))
    assert telegram.Update.de_json(pressed, None).callback_query is not None


def test_line_models_parse_our_pushes() -> None:
    for sent in rendered("line"):
        parsed = PushMessageRequest.from_dict(p.payload(sent))
        assert parsed is not None
        read = json.loads(parsed.to_json())
        assert read["to"] == p.payload(sent)["to"]
        for ours, theirs in zip(p.payload(sent)["messages"], read["messages"], strict=True):
            assert theirs["text"] == ours["text"]
            assert ours.get("quickReply", {}).get("items") == theirs.get("quickReply", {}).get(
                "items"
            )


# Their clients and ours say the same to a platform ----------------------------------------------


@dataclass
class Fake:
    """A platform on loopback: it keeps what it is sent and answers with `answer`."""

    answer: tuple[int, dict[str, Any]] = (200, {"ok": True})
    got: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@contextmanager
def served(fake: Fake) -> Iterator[Fake]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            fake.got.append((self.command, self.path, headers, body))
            status, answer = fake.answer
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_PATCH = do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send(name: str, fake: Fake, token: str = "") -> list[OutgoingRequest]:
    """Our side: both replies rendered, authorised and sent to the fake."""
    platform = p.BY_NAME[name]
    channel = CHANNELS[name](Setup(fake.url, p.PUBLIC, p.keys))
    to = dict(platform.message().reply_to)
    if "service" in to:
        to["service"] = fake.url
    requests = [request for reply in REPLIES for request in channel.render(reply, to)]
    with httpx.Client() as client:
        for request in requests:
            ready = authorised(request, platform.secrets, p.NOW, token)
            answer = client.request(
                ready.method, ready.url, content=ready.body, headers=dict(ready.headers)
            )
            found = outcome(
                channel.describe(), answer.status_code, answer.headers, answer.content, p.NOW
            )
            assert isinstance(found, Delivered), found
    return requests


def test_slack_client() -> None:
    with served(Fake()) as fake:
        ours = send("slack", fake)
        client = WebClient(token="xoxb-token", base_url=f"{fake.url}/")
        for request in ours:
            client.chat_postMessage(**p.payload(request))
    half = len(fake.got) // 2
    for mine, theirs in zip(fake.got[:half], fake.got[half:], strict=True):
        assert mine[:2] == theirs[:2] == ("POST", "/chat.postMessage")
        assert mine[2]["authorization"] == theirs[2]["authorization"]
        assert json.loads(mine[3]) == json.loads(theirs[3])


def test_telegram_client() -> None:
    message = {"message_id": 1, "date": 1, "chat": {"id": 42, "type": "private"}}
    with served(Fake((200, {"ok": True, "result": message}))) as fake:
        ours = send("telegram", fake)

        async def theirs() -> None:
            bot = telegram.Bot("123:abc", base_url=f"{fake.url}/bot")
            for request in ours:
                sent = p.payload(request)
                preview = telegram.LinkPreviewOptions.de_json(sent["link_preview_options"], None)
                keyboard = sent.get("reply_markup", {"inline_keyboard": []})
                markup = telegram.InlineKeyboardMarkup.de_json(keyboard, None)
                await bot.send_message(
                    sent["chat_id"],
                    sent["text"],
                    parse_mode=sent["parse_mode"],
                    link_preview_options=preview,
                    reply_markup=markup if "reply_markup" in sent else None,
                )
            await bot.shutdown()

        asyncio.run(theirs())
    half = len(fake.got) // 2
    for mine, other in zip(fake.got[:half], fake.got[half:], strict=True):
        assert mine[:2] == other[:2] == ("POST", "/bot123:abc/sendMessage")
        form = {name: values[0] for name, values in parse_qs(other[3].decode()).items()}
        nested = ("chat_id", "link_preview_options", "reply_markup")  # as JSON in the form
        assert json.loads(mine[3]) == {
            name: json.loads(value) if name in nested else value for name, value in form.items()
        }


def group_command(text: str) -> RawRequest:
    update = json.loads(p.telegram_event(text, "1"))
    update["message"]["chat"] = {"id": -100, "type": "supergroup"}
    command = {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
    update["message"]["entities"] = [command]
    return p.telegram_sign(json.dumps(update).encode())


def test_telegrams_own_client_and_ours_learn_the_same_name() -> None:
    with served(Fake((200, p.TELEGRAM_ME))) as fake:

        async def theirs() -> str:
            async with telegram.Bot("123:abc", base_url=f"{fake.url}/bot") as bot:
                return bot.username

        name = asyncio.run(theirs())
        fake.got.clear()
        connections = Connections.of(environment(fake.url, ("telegram",)))
        ours = connections.channels["telegram"]

        def heard(text: str) -> bool:
            found = ours.channel.receive(group_command(text), ours.secrets, p.NOW)
            return isinstance(found, tuple)

        assert fake.got == []  # a start asks nobody
        assert heard(f"/ask@{name} x")
        assert heard(f"/ask@{name.upper()} x")
        assert not heard("/ask@other_bot x")
        asked = [got[:2] for got in fake.got]
        connections.egress.close()
    assert asked == [("GET", "/telegram/bot123:abc/getMe")]  # once, and kept


def test_a_name_that_can_not_be_learnt_is_asked_for_again_after_a_minute() -> None:
    now = [1000.0]
    secrets = p.BY_NAME["telegram"].secrets
    with served(Fake((502, {}))) as fake:
        egress = Egress([fake.url])
        who = WhoAmI(egress, lambda: now[0])
        request = OutgoingRequest("GET", f"{fake.url}/bot{{TOKEN}}/getMe", auth="url:TOKEN")
        assert [who(request, secrets) for _ in range(3)] == [None] * 3
        assert len(fake.got) == 1
        fake.answer = (200, p.TELEGRAM_ME)
        now[0] += 59
        assert who(request, secrets) is None
        now[0] += 1
        assert who(request, secrets) == p.TELEGRAM_ME
    now[0] += 9999
    assert who(request, secrets) == p.TELEGRAM_ME  # the platform is gone by now
    assert WhoAmI(egress, lambda: now[0])(request, secrets) is None
    egress.close()


def test_line_client() -> None:
    with served(Fake((200, {"sentMessages": [{"id": "1"}]}))) as fake:
        ours = send("line", fake)
        api = MessagingApi(ApiClient(Configuration(access_token="access", host=fake.url)))
        for request in ours:
            message = PushMessageRequest.from_dict(p.payload(request))
            api.push_message(message, x_line_retry_key=request.idempotency_key)
        half = len(fake.got) // 2
        for mine, theirs in zip(fake.got[:half], fake.got[half:], strict=True):
            assert mine[:2] == theirs[:2] == ("POST", "/v2/bot/message/push")
            for name in ("authorization", "x-line-retry-key"):
                assert mine[2][name] == theirs[2][name]
            texts = [
                [m["text"] for m in json.loads(sent[3])["messages"]] for sent in (mine, theirs)
            ]
            assert texts[0] == texts[1]
        fake.answer = (409, {"message": "The retry key is already accepted"})
        send("line", fake)  # counts as delivered
        with pytest.raises(ApiException):
            api.push_message(message, x_line_retry_key=ours[0].idempotency_key)
        api.api_client.close()


class Loopback(TwilioHttpClient):
    """Twilio's own client, sent to the fake."""

    def __init__(self, base: str) -> None:
        super().__init__(pool_connections=False)
        self._base = base

    def request(self, method: str, url: str, *args: Any, **named: Any) -> Any:
        return super().request(method, self._base + urlsplit(url).path, *args, **named)


def test_twilio_client() -> None:
    with served(Fake((201, {"sid": "SM1", "status": "queued"}))) as fake:
        send("twilio", fake)
        half = len(fake.got)
        client = Client(p.SID, "twilio-token", http_client=Loopback(fake.url))
        for _, _, _, body in list(fake.got):
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            client.messages.create(to=form["To"], from_=form["From"], body=form["Body"])
    for mine, theirs in zip(fake.got[:half], fake.got[half:], strict=True):
        assert mine[:2] == theirs[:2] == ("POST", f"/2010-04-01/Accounts/{p.SID}/Messages.json")
        assert mine[2]["authorization"] == theirs[2]["authorization"]
        assert parse_qs(mine[3].decode()) == parse_qs(theirs[3].decode())


@pytest.mark.parametrize(
    "name", [x.name for x in p.PLATFORMS if x.name not in ("teams", "slack", "telegram")]
)
def test_every_other_platform_gets_what_it_can_read(name: str) -> None:
    with served(Fake()) as fake:
        sent = send(name, fake, token="oauth-token")
    assert len(fake.got) == len(sent)
    for method, path, headers, body in fake.got:
        assert method in ("POST", "PUT", "PATCH")
        assert path.isascii()
        assert headers["content-type"].startswith("application/")
        assert body
