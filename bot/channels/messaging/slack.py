"""Slack: mentions and direct messages of the Events API, the slash command, buttons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape

from bot.channels.messaging import markup
from bot.channels.messaging.body import body_of
from bot.channels.messaging.commands import spoken
from bot.channels.messaging.credentials import Secrets, Setting
from bot.channels.messaging.fields import (
    at,
    clean,
    id_at,
    objects_at,
    parse_form,
    parse_json,
    text_at,
    to_json,
)
from bot.channels.messaging.incoming import (
    Handshake,
    Ignored,
    IncomingMessage,
    OutgoingRequest,
    RawRequest,
    Received,
    Rejected,
)
from bot.channels.messaging.options import Option, labels, read_pick
from bot.channels.messaging.protocol import ChannelInfo, Limits, Setup
from bot.channels.messaging.signatures import hmac_matches, is_fresh
from bot.types import Reply

API = "https://slack.com/api"
SECTION = 3000  # characters of a section, as sent
MESSAGE = 8000  # of all sections of a message; Slack refuses somewhere above 11,000
LABEL, VALUE = 75, 2000
RESPONSES = 5  # uses of a response_url

_REFERENCE = re.compile(r"<(?P<what>[^<>|]*)(?:\|(?P<label>[^<>]*))?>")
_RESPONSE_URL = re.compile(r"https://hooks\.slack(?:-gov)?\.com/[\x21-\x7e]{1,500}")
_PERSONAL = ("", "file_share", "thread_broadcast")  # subtypes of what a person wrote


@dataclass(frozen=True, slots=True)
class Slack:
    setup: Setup = field(default_factory=Setup)

    def describe(self) -> ChannelInfo:
        return ChannelInfo(
            name="slack",
            title="Slack",
            settings=(
                Setting("SIGNING_SECRET", "the app's signing secret", rotates=True),
                Setting(
                    "BOT_TOKEN",
                    "the bot user's OAuth token",
                    pattern=r"xox[a-z]-[\x21-\x7e]+|xoxe\.[\x21-\x7e]+",
                    form="a token that starts with xoxb-",
                ),
            ),
            limits=Limits(SECTION, "characters", options=25, label=LABEL),
            delivery="at least once",
            per_second=20,
            says_ok=True,
            probe=OutgoingRequest("POST", f"{self._api}/auth.test", auth="bearer:BOT_TOKEN"),
        )

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        if request.method != "POST":
            return Rejected("method")
        time = request.header("x-slack-request-timestamp")
        signed = b"v0:" + time.encode("utf-8", "surrogatepass") + b":" + request.body
        keys = [secret.encode() for secret in secrets.active("SIGNING_SECRET")]
        if not hmac_matches(keys, signed, request.header("x-slack-signature"), prefix="v0="):
            return Rejected("signature")
        if not is_fresh(time, now):
            return Rejected("stale")
        if request.body.startswith(b"{"):
            return self._event(parse_json(request.body), secrets)
        form = parse_form(request.body)
        if form is None:
            return Rejected("malformed")
        if "payload" in form:
            return self._action(parse_json(form["payload"]), secrets)
        return self._command(form, secrets)

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        body = body_of(reply, self.setup.public_url)
        names, whole = labels(body.options, LABEL)
        sections = body.pieces(SECTION, escape=markup.slack, listed=not whole)
        messages = _grouped(sections)
        return tuple(
            self._request(texts, body.options if n == len(messages) else (), names, n, to)
            for n, texts in enumerate(messages, 1)
        )

    @property
    def _api(self) -> str:
        return self.setup.api or API

    def _request(
        self,
        texts: Sequence[str],
        options: Sequence[Option],
        names: Sequence[str],
        number: int,
        to: Mapping[str, str],
    ) -> OutgoingRequest:
        blocks: list[dict[str, object]] = [
            {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
            for text in texts
        ]
        if options:
            blocks.append({"type": "actions", "elements": _buttons(options, names)})
        # `text` is what notifications and screen readers get.
        message = {
            "text": "\n".join(texts),
            "blocks": blocks,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if "response_url" in to and number <= RESPONSES:
            message |= {"response_type": "ephemeral", "replace_original": False}
            return OutgoingRequest("POST", to["response_url"], to_json(message), headers)
        message["channel"] = to["channel"] if "channel" in to else to["user"]
        if to.get("thread_ts"):
            message["thread_ts"] = to["thread_ts"]
        url = f"{self._api}/chat.postMessage"
        return OutgoingRequest("POST", url, to_json(message), headers, auth="bearer:BOT_TOKEN")

    def _event(self, payload: Mapping[str, object] | None, secrets: Secrets) -> Received:
        if payload is None:
            return Rejected("malformed")
        if payload.get("type") == "url_verification":
            return Handshake(text_at(payload, "challenge").encode(), "text/plain")
        event = at(payload, "event")
        kind = text_at(event, "type")
        if payload.get("type") != "event_callback" or kind not in ("app_mention", "message"):
            return Ignored("another event")
        if at(event, "bot_id") or text_at(event, "subtype") not in _PERSONAL:
            return Ignored("not written by a person")
        authorized = objects_at(payload, "authorizations")
        bot = id_at(authorized[0], "user_id") if authorized else ""
        text = text_at(event, "text")
        direct = text_at(event, "channel_type") == "im"
        if kind == "message" and not direct:
            # A mention comes as an app_mention as well, and is answered as that.
            answers_us = bool(bot) and id_at(event, "parent_user_id") == bot
            if not answers_us or f"<@{bot}" in text:
                return Ignored("not addressed")
        ids = [id_at(payload, "event_id"), *(id_at(event, n) for n in ("channel", "user", "ts"))]
        if not all(ids):
            return Rejected("malformed")
        key, channel, user, sent = ids
        thread = id_at(event, "thread_ts") or ("" if direct else sent)
        team = id_at(payload, "team_id")
        return (
            IncomingMessage(
                channel="slack",
                event_key=key,
                conversation_key=secrets.pseudonym("conversation", team, channel, thread),
                sender=secrets.pseudonym("person", team, user),
                text=spoken(_words(text, bot)),
                reply_to={"channel": channel, "thread_ts": thread},
            ),
        )

    def _command(self, form: Mapping[str, str], secrets: Secrets) -> Received:
        if form.get("ssl_check"):
            return Handshake(b"", "text/plain")
        ids = [id_at(form, name) for name in ("trigger_id", "channel_id", "user_id")]
        url = text_at(form, "response_url")
        if not all(ids) or not self._may_respond(url):
            return Rejected("malformed")
        key, channel, user = ids
        return self._private(
            id_at(form, "team_id"), channel, user, key, spoken(text_at(form, "text")), url, secrets
        )

    def _action(self, payload: Mapping[str, object] | None, secrets: Secrets) -> Received:
        if payload is None:
            return Rejected("malformed")
        actions = objects_at(payload, "actions")
        if payload.get("type") != "block_actions" or not actions:
            return Ignored("another interaction")
        pick = read_pick(text_at(actions[0], "value"), text_at(actions[0], "text", "text"))
        if pick is None:
            return Ignored("a button of another")
        ids = [
            id_at(payload, "trigger_id"),
            id_at(payload, "channel", "id") or id_at(payload, "container", "channel_id"),
            id_at(payload, "user", "id"),
        ]
        if not all(ids):
            return Rejected("malformed")
        key, channel, user = ids
        team = id_at(payload, "team", "id")
        url = text_at(payload, "response_url")
        if at(payload, "container", "is_ephemeral") is True and self._may_respond(url):
            return self._private(team, channel, user, key, pick.text, url, secrets, pick.key)
        # A direct message has no thread of its own; elsewhere ours always stands in one.
        thread = id_at(payload, "message", "thread_ts")
        if not thread and not channel.startswith("D"):
            thread = id_at(payload, "message", "ts")
        return (
            IncomingMessage(
                channel="slack",
                event_key=key,
                conversation_key=secrets.pseudonym("conversation", team, channel, thread),
                sender=secrets.pseudonym("person", team, user),
                text=pick.text,
                picked=pick.key,
                reply_to={"channel": channel, "thread_ts": thread},
            ),
        )

    def _private(
        self,
        team: str,
        channel: str,
        user: str,
        key: str,
        text: str,
        url: str,
        secrets: Secrets,
        picked: str | None = None,
    ) -> Received:
        """The slash command and what follows from it: seen by the one who asked alone."""
        return (
            IncomingMessage(
                channel="slack",
                event_key=key,
                conversation_key=secrets.pseudonym("command", team, channel, user),
                sender=secrets.pseudonym("person", team, user),
                text=text,
                picked=picked,
                reply_to={"response_url": url, "user": user},
            ),
        )

    def _may_respond(self, url: str) -> bool:
        """Whether `url` is Slack's own (or, where another address is set, of that)."""
        if self.setup.api and url.startswith(self.setup.api + "/"):
            return True
        return bool(_RESPONSE_URL.fullmatch(url))


def _words(text: str, bot: str) -> str:
    """What was written, with the mention of the bot left out and Slack's markup resolved."""

    def resolved(found: re.Match[str]) -> str:
        what, label = found["what"], found["label"]
        if bot and what == f"@{bot}":
            return " "
        return label or what.lstrip("@#!")

    text = _REFERENCE.sub(resolved, text) if bot else re.sub(r"^\s*<@[^<>]*>", " ", text)
    return clean(unescape(text)).strip()


def _buttons(options: Sequence[Option], names: Sequence[str]) -> list[dict[str, object]]:
    return [
        {
            "type": "button",
            "action_id": f"pick-{option.number}",
            "text": {"type": "plain_text", "text": name, "emoji": False},
            "value": option.payload(VALUE),
        }
        for option, name in zip(options, names, strict=True)
    ]


def _grouped(sections: Sequence[str]) -> list[list[str]]:
    """The sections of each message."""
    messages: list[list[str]] = []
    for section in sections:
        if not messages or sum(map(len, messages[-1])) + len(section) > MESSAGE:
            messages.append([])
        messages[-1].append(section)
    return messages
