"""In groups the bot answers only when it is called, and what it hears there is the question."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from urllib.parse import parse_qs, urlencode

import platforms as p
import pytest
from replies import answered, clarified, declined

from bot.channels.messaging.credentials import Secrets
from bot.channels.messaging.incoming import (
    Action,
    Handshake,
    Ignored,
    IncomingMessage,
    RawRequest,
    Received,
    Rejected,
)
from bot.channels.messaging.protocol import Setup
from bot.channels.messaging.registry import CHANNELS

NOT_ADDRESSED = Ignored("not addressed")


def receive(name: str, body: bytes, secrets: Secrets | None = None) -> Received:
    platform = p.BY_NAME[name]
    return platform.channel.receive(platform.sign(body), secrets or platform.secrets, p.NOW)


def one(found: Received) -> IncomingMessage:
    assert isinstance(found, tuple), found
    assert isinstance(found[-1], IncomingMessage)
    return found[-1]


# Slack ------------------------------------------------------------------------------------------


def slack(**event: object) -> bytes:
    payload = json.loads(p.slack_event("x", "1"))
    payload["event"] = {**payload["event"], **event}
    return json.dumps(payload).encode()


def test_slack_hears_mentions_and_direct_messages_only() -> None:
    said = {"type": "message", "channel_type": "channel", "text": "lunch?"}
    assert receive("slack", slack(**said)) == NOT_ADDRESSED
    assert (
        one(receive("slack", slack(text="hey <@UBOT>, what is MS?"))).text == "hey  , what is MS?"
    )
    direct = slack(type="message", channel_type="im", channel="D1", text="what is MS?")
    assert one(receive("slack", direct)).text == "what is MS?"


def test_slack_answers_a_mention_once_though_it_comes_twice() -> None:
    """A channel's message and the mention in it are two events with two ids."""
    twice = slack(type="message", channel_type="channel", text="<@UBOT> what is MS?")
    assert receive("slack", twice) == NOT_ADDRESSED
    in_our_thread = slack(
        type="message",
        channel_type="channel",
        text="and ALS?",
        parent_user_id="UBOT",
        thread_ts="1",
    )
    assert one(receive("slack", in_our_thread)).text == "and ALS?"


@pytest.mark.parametrize(
    "event", [{"bot_id": "B1"}, {"subtype": "message_changed"}, {"subtype": "bot_message"}]
)
def test_slack_ignores_bots_and_edits(event: dict[str, str]) -> None:
    assert isinstance(receive("slack", slack(**event)), Ignored)


def test_slack_markup_becomes_words() -> None:
    text = "<@UBOT> see <https://x.org|this page> in <#C2|general> &amp; <https://y.org> &lt;b&gt;"
    said = one(receive("slack", slack(text=text))).text
    assert said == "see this page in general & https://y.org <b>"


def test_slack_threads_are_conversations() -> None:
    first = one(receive("slack", slack(ts="1.0")))
    follow = one(receive("slack", slack(ts="2.0", thread_ts="1.0")))
    other = one(receive("slack", slack(ts="3.0")))
    assert first.conversation_key == follow.conversation_key != other.conversation_key
    assert first.reply_to == {"channel": "C1", "thread_ts": "1.0"}


def test_slack_commands_are_answered_to_the_one_who_asked() -> None:
    form = {
        "command": "/quoth",
        "text": "what is MS?",
        "trigger_id": "1.2",
        "team_id": "T1",
        "channel_id": "C1",
        "user_id": "U1",
        "response_url": "https://hooks.slack.com/commands/T1/2/3",
    }
    asked = one(receive("slack", urlencode(form).encode()))
    assert asked.text == "what is MS?"
    channel = p.BY_NAME["slack"].channel
    sent = channel.render(clarified(("Is MS fatal?", "Is ALS fatal?")), asked.reply_to)[0]
    assert sent.url == form["response_url"]
    assert sent.auth == ""
    assert p.payload(sent)["response_type"] == "ephemeral"
    pressed = json.loads(
        parse_qs(p.slack_press(sent, "x", p.slack_buttons(sent)[0][1]).decode())["payload"][0]
    )
    pressed["container"]["is_ephemeral"] = True
    body = urlencode({"payload": json.dumps(pressed)}).encode()
    picked = one(receive("slack", body))
    assert picked.conversation_key == asked.conversation_key
    assert picked.text == "Is MS fatal?"
    for url in ("https://evil.example/", "http://hooks.slack.com/x", "https://hooks.slack.com.x/"):
        body = urlencode({**form, "response_url": url}).encode()
        assert receive("slack", body) == Rejected("malformed")


def test_a_slack_response_url_is_used_five_times_at_most() -> None:
    to = {"response_url": "https://hooks.slack.com/commands/1", "user": "U1"}
    sent = p.BY_NAME["slack"].channel.render(declined("Word. " * 12_000), to)
    assert len(sent) > 5
    assert [request.url == to["response_url"] for request in sent[:6]] == [True] * 5 + [False]
    assert p.payload(sent[5])["channel"] == "U1"


def test_slack_challenge() -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    assert receive("slack", body) == Handshake(b"abc", "text/plain")


# Telegram ---------------------------------------------------------------------------------------


def telegram(text: str, **message: object) -> bytes:
    update = json.loads(p.telegram_event(text, "1"))
    update["message"] |= {"chat": {"id": -100, "type": "supergroup"}, **message}
    return json.dumps(update).encode()


def entity(text: str, part: str, kind: str) -> list[dict[str, object]]:
    at = text.index(part)
    return [{"type": kind, "offset": p.units(text[:at]), "length": p.units(part)}]


@pytest.mark.parametrize(
    ("text", "part", "kind", "heard"),
    [
        ("lunch?", "lunch", "bold", None),
        ("👍 @Q_Bot what is MS?", "@Q_Bot", "mention", "👍   what is MS?"),
        ("@other what is MS?", "@other", "mention", None),
        ("/ask what is MS?", "/ask", "bot_command", "what is MS?"),
        ("/ask@q_bot what is MS?", "/ask@q_bot", "bot_command", "what is MS?"),
        ("/ask@other what is MS?", "/ask@other", "bot_command", None),
        ("/help", "/help", "bot_command", "help"),
    ],
)
def test_telegram_groups(text: str, part: str, kind: str, heard: str | None) -> None:
    found = receive("telegram", telegram(text, entities=entity(text, part, kind)))
    assert found == NOT_ADDRESSED if heard is None else one(found).text == heard


@pytest.mark.parametrize("known", [None, {}, {"ok": True, "result": {"username": ""}}])
def test_what_telegram_calls_by_a_name_is_not_for_a_bot_that_does_not_know_its_own(
    known: dict[str, object] | None,
) -> None:
    platform = p.BY_NAME["telegram"]
    channel = CHANNELS["telegram"](Setup(account=lambda request, secrets: known))

    def said(text: str, part: str, kind: str) -> Received:
        body = telegram(text, entities=entity(text, part, kind))
        return channel.receive(platform.sign(body), platform.secrets, p.NOW)

    assert said("/ask@q_bot x", "/ask@q_bot", "bot_command") == NOT_ADDRESSED
    assert said("/ask@ x", "/ask@", "bot_command") == NOT_ADDRESSED
    assert said("@q_bot x", "@q_bot", "mention") == NOT_ADDRESSED
    assert one(said("/ask x", "/ask", "bot_command")).text == "x"


def test_telegram_replies_to_the_bot_are_heard() -> None:
    ours, other = ({"from": {"id": n, "is_bot": True}} for n in (123, 124))
    said = one(receive("telegram", telegram("and ALS?", reply_to_message=ours)))
    assert said.text == "and ALS?"
    assert said.reply_to == {"chat": "-100", "reply": "7"}
    assert receive("telegram", telegram("and ALS?", reply_to_message=other)) == NOT_ADDRESSED


def test_telegram_topics_are_conversations() -> None:
    said = {"entities": entity("/ask x", "/ask", "bot_command"), "is_topic_message": True}
    one_topic, other = (
        one(receive("telegram", telegram("/ask x", message_thread_id=n, **said))) for n in (1, 2)
    )
    assert one_topic.conversation_key != other.conversation_key
    sent = p.BY_NAME["telegram"].channel.render(answered("MS."), one_topic.reply_to)[0]
    assert p.payload(sent)["message_thread_id"] == 1


def test_a_pressed_telegram_button_stops_to_spin() -> None:
    platform = p.BY_NAME["telegram"]
    sent = platform.channel.render(clarified(("A?", "B?")), {"chat": "42"})[0]
    found = receive("telegram", p.telegram_press(sent, *platform.buttons(sent)[0]))
    assert isinstance(found, tuple)
    assert isinstance(found[0], Action)
    assert found[0].requests[0].url.endswith("/answerCallbackQuery")
    assert p.payload(found[0].requests[0]) == {"callback_query_id": "4711"}


# Meta -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["whatsapp", "messenger", "instagram"])
def test_meta_subscribes_with_the_right_token(name: str) -> None:
    platform = p.BY_NAME[name]

    def ask(token: str, challenge: str = "1158201444") -> Received:
        query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": challenge}
        url = f"{p.PUBLIC}/webhooks/{name}?{urlencode(query)}"
        return platform.channel.receive(RawRequest("GET", url, {}, b""), platform.secrets, p.NOW)

    assert ask("verify-me") == Handshake(b"1158201444", "text/plain")
    assert ask("verify-mf") == Rejected("signature")
    assert ask("") == Rejected("signature")
    assert ask("verify-me", "<script>") == Rejected("malformed")


def test_whatsapp_batches_are_taken_whole_and_statuses_ignored() -> None:
    body = json.loads(p.whatsapp_event("one", "1"))
    value = body["entry"][0]["changes"][0]["value"]
    value["messages"].append({**value["messages"][0], "id": "wamid.2", "text": {"body": "two"}})
    found = receive("whatsapp", json.dumps(body).encode())
    assert isinstance(found, tuple)
    assert [m.text for m in found if isinstance(m, IncomingMessage)] == ["one", "two"]
    value["messages"] = []
    value["statuses"] = [{"id": "wamid.9", "status": "read"}]
    assert isinstance(receive("whatsapp", json.dumps(body).encode()), Ignored)


def test_messenger_ignores_echoes() -> None:
    body = p.messenger_body("page", {"mid": "m", "text": "hi", "is_echo": True})
    assert isinstance(receive("messenger", body), Ignored)


# Discord, Teams, LINE, Google Chat, Matrix ------------------------------------------------------


def test_discord_ping_and_answers_seen_by_one() -> None:
    assert receive("discord", p.discord_body(1)) == Handshake(b'{"type":1}')
    info = p.BY_NAME["discord"].channel.describe()
    assert json.loads(info.acknowledgement.body) == {"type": 5, "data": {"flags": 64}}


def test_teams_bots_hear_mentions_in_channels() -> None:
    place = {"conversation": {"id": "19:x@thread.tacv2;messageid=1", "conversationType": "channel"}}
    said = {"text": "<at>Quoth</at> what&nbsp;is MS &amp; ALS?", **place}
    assert receive("teams_bot", p.teams_bot_body(**said)) == NOT_ADDRESSED
    mention = {"type": "mention", "text": "<at>Quoth</at>", "mentioned": {"id": "28:bot"}}
    heard = one(receive("teams_bot", p.teams_bot_body(**said, entities=[mention])))
    assert heard.text == "what is MS & ALS?"
    sent = p.BY_NAME["teams_bot"].channel.render(answered("MS."), heard.reply_to)[0]
    assert sent.url == (
        "https://smba.trafficmanager.net/emea/v3/conversations/"
        "19%3Ax%40thread.tacv2%3Bmessageid%3D1/activities/1"
    )


@pytest.mark.parametrize("kind", ["conversationUpdate", "invoke", "typing", "messageReaction"])
def test_teams_activities_that_are_no_messages_are_ignored(kind: str) -> None:
    assert isinstance(receive("teams_bot", p.teams_bot_body(type=kind)), Ignored)


def line(text: str, mentionees: list[dict[str, object]]) -> bytes:
    message = {"type": "text", "id": "1", "text": text, "mention": {"mentionees": mentionees}}
    source = {"type": "group", "groupId": "C" + "1" * 32, "userId": "U" + "1" * 32}
    return p.line_body(type="message", message=message, source=source)


def test_line_groups() -> None:
    nothing = Ignored("no message to answer")
    assert receive("line", line("@Quoth hi", [])) == nothing
    other = {"index": 0, "length": 6, "isSelf": False}
    assert receive("line", line("@Quoth hi", [other])) == nothing
    heard = one(receive("line", line("👍@Quoth hi", [{"index": 2, "length": 6, "isSelf": True}])))
    assert heard.text == "👍  hi"
    assert heard.reply_to == {"to": "C" + "1" * 32}
    assert receive("line", p.line_body(type="follow")) == nothing
    assert receive("line", p.line_body(type="message", mode="standby")) == nothing
    assert receive("line", b'{"destination":"U","events":[]}') == nothing


def test_line_can_use_its_free_replies() -> None:
    values = {"CHANNEL_SECRET": "line-secret", "ACCESS_TOKEN": "access"}
    secrets = Secrets.of("line", **values, DELIVERY="reply")
    asked = one(receive("line", p.line_event("Hi", "1"), secrets))
    sent = p.BY_NAME["line"].channel.render(declined("Word. " * 6000), asked.reply_to)
    assert [r.url.rpartition("/")[2] for r in sent] == ["reply", "push"]
    assert p.payload(sent[0])["replyToken"] == "token-1"
    assert sent[0].idempotency_key is None
    assert sent[1].headers["X-Line-Retry-Key"] == sent[1].idempotency_key


def test_google_chat_threads_are_conversations_but_direct_messages_have_none() -> None:
    event = json.loads(p.googlechat_event("Hi", "1"))
    heard = one(receive("googlechat", json.dumps(event).encode()))
    assert heard.reply_to == {"space": "spaces/AAA", "thread": "spaces/AAA/threads/BBB"}
    event["space"]["type"] = "DM"
    direct = one(receive("googlechat", json.dumps(event).encode()))
    assert direct.reply_to == {"space": "spaces/AAA"}
    event["message"]["sender"]["type"] = "BOT"
    assert isinstance(receive("googlechat", json.dumps(event).encode()), Ignored)


def matrix(**content: object) -> bytes:
    return p.matrix_body(content={"msgtype": "m.text", **content})


@pytest.mark.parametrize(
    ("content", "heard"),
    [
        ({"body": "lunch?"}, None),
        ({"body": "quothing is fun"}, None),
        ({"body": "Quoth: what is MS?"}, "what is MS?"),
        ({"body": "@quoth:example.org what is MS?"}, "what is MS?"),
        ({"body": "!quoth what is MS?"}, "what is MS?"),
        (
            {
                "body": "> <@quoth:x> old\n> text\n\nand ALS?",
                "m.mentions": {"user_ids": ["@quoth:example.org"]},
            },
            "and ALS?",
        ),
        ({"body": "Quoth: * what", "m.relates_to": {"rel_type": "m.replace"}}, None),
        ({"body": "Quoth: hi", "msgtype": "m.notice"}, None),
    ],
)
def test_matrix_rooms(content: dict[str, object], heard: str | None) -> None:
    found = receive("matrix", matrix(**content))
    assert isinstance(found, Ignored) if heard is None else one(found).text == heard


def test_matrix_rooms_of_its_own() -> None:
    platform = p.BY_NAME["matrix"]
    names = ("HS_TOKEN", "AS_TOKEN", "HOMESERVER", "USER_ID")
    values = {name: platform.secrets.get(name) for name in names}
    secrets = Secrets.of("matrix", **values, ADDRESSED="always")
    assert one(receive("matrix", matrix(body="what is MS?"), secrets)).text == "what is MS?"
    own = p.matrix_body(sender="@quoth:example.org", content={"msgtype": "m.text", "body": "x"})
    assert isinstance(receive("matrix", own, secrets), Ignored)


def test_matrix_joins_when_invited() -> None:
    invited = {"type": "m.room.member", "content": {"membership": "invite"}}
    found = receive("matrix", p.matrix_body(**invited, state_key="@quoth:example.org"))
    assert isinstance(found, tuple)
    assert isinstance(found[0], Action)
    assert found[0].requests[0].url == (
        "https://matrix.example.org/_matrix/client/v3/join/%21room%3Aexample.org"
    )
    other = receive("matrix", p.matrix_body(**invited, state_key="@ann:example.org"))
    assert isinstance(other, Ignored)


def test_matrix_ping_and_queries() -> None:
    platform = p.BY_NAME["matrix"]

    def ask(method: str, rest: str) -> Received:
        url = f"{p.PUBLIC}/webhooks/matrix{rest}"
        request = RawRequest(method, url, {"authorization": "Bearer hs-token"}, b"{}")
        return platform.channel.receive(request, platform.secrets, p.NOW)

    assert ask("POST", "/_matrix/app/v1/ping") == Handshake(b"{}")
    assert ask("GET", "/_matrix/app/v1/users/%40quoth%3Aexample.org") == Handshake(b"{}")
    missing = ask("GET", "/_matrix/app/v1/users/%40other%3Aexample.org")
    assert isinstance(missing, Handshake)
    assert missing.status == 404


# Twilio -----------------------------------------------------------------------------------------


def test_twilio_bodies_that_are_no_forms_are_signed_by_their_hash() -> None:
    platform = p.BY_NAME["twilio"]
    body = b'{"type":"com.twilio.messaging"}'
    url = f"{p.PUBLIC}/webhooks/twilio?bodySHA256={hashlib.sha256(body).hexdigest()}"
    mac = base64.b64encode(p._hmac("twilio-token", url.encode(), hashlib.sha1)).decode()
    request = RawRequest("POST", url, {"x-twilio-signature": mac}, body)
    assert isinstance(platform.channel.receive(request, platform.secrets, p.NOW), Ignored)
    other = RawRequest("POST", url, {"x-twilio-signature": mac}, body + b" ")
    assert platform.channel.receive(other, platform.secrets, p.NOW) == Rejected("signature")


def test_twilio_answers_on_the_way_it_was_asked() -> None:
    platform = p.BY_NAME["twilio"]
    asked = dict(part.split("=") for part in p.twilio_event("Hi", "1").decode().split("&")) | {
        "From": "whatsapp%3A%2B49170",
        "To": "whatsapp%3A%2B1555",
    }
    body = "&".join(f"{name}={value}" for name, value in asked.items()).encode()
    to = one(receive("twilio", body)).reply_to
    sent = platform.channel.render(answered("~struck~"), to)[0]
    form = parse_qs(sent.body.decode())
    assert form["From"] == ["whatsapp:+1555"]
    assert form["To"] == ["whatsapp:+49170"]
    assert f"~{p.GUARD}struck~" in form["Body"][0]
    assert html.unescape(form["Body"][0]) == form["Body"][0]
