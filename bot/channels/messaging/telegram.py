"""Telegram: messages, commands and inline buttons, in private and in groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.channels.messaging import markup
from bot.channels.messaging.body import body_of
from bot.channels.messaging.commands import spoken
from bot.channels.messaging.credentials import Secrets, Setting
from bot.channels.messaging.fields import (
    at,
    clean,
    id_at,
    number_at,
    objects_at,
    parse_json,
    text_at,
    to_json,
)
from bot.channels.messaging.incoming import (
    Action,
    Ignored,
    IncomingMessage,
    OutgoingRequest,
    RawRequest,
    Received,
    Rejected,
)
from bot.channels.messaging.options import labels, read_pick
from bot.channels.messaging.protocol import ChannelInfo, Limits, Setup
from bot.channels.messaging.signatures import token_matches
from bot.channels.messaging.splitting import utf16_units
from bot.types import Reply

API = "https://api.telegram.org"
TEXT, LABEL = 4096, 64


@dataclass(frozen=True, slots=True)
class Telegram:
    setup: Setup = field(default_factory=Setup)

    def describe(self) -> ChannelInfo:
        return ChannelInfo(
            name="telegram",
            title="Telegram",
            settings=(
                Setting(
                    "TOKEN",
                    "the bot's token from @BotFather",
                    pattern=r"\d+:[\w-]+",
                    form="a token such as 123456:ABC-DEF",
                ),
                Setting(
                    "SECRET_TOKEN",
                    "the secret_token given to setWebhook",
                    rotates=True,
                    pattern=r"[\w-]{1,256}",
                    form="1 to 256 letters, digits, _ or -",
                ),
            ),
            limits=Limits(TEXT, "UTF-16 units", options=8, label=LABEL),
            delivery="at least once",
            acknowledge_seconds=60.0,
            per_second=30,
            probe=self._get_me(),
        )

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        if request.method != "POST":
            return Rejected("method")
        given = request.header("x-telegram-bot-api-secret-token")
        if not token_matches(secrets.active("SECRET_TOKEN"), given):
            return Rejected("signature")
        update = parse_json(request.body)
        key = number_at(update, "update_id")
        if not key:
            return Rejected("malformed")
        if at(update, "callback_query") is not None:
            return self._pressed(at(update, "callback_query"), key, secrets)
        message = at(update, "message")
        if message is None:
            return Ignored("another update")
        chat, sender = number_at(message, "chat", "id"), id_at(message, "from", "id")
        if not chat or not sender:
            return Rejected("malformed")
        if at(message, "from", "is_bot") is True:
            return Ignored("not written by a person")
        private = text_at(message, "chat", "type") == "private"
        words = text_at(message, "text") or text_at(message, "caption")
        if not words:
            return Ignored("no text")
        words, called = self._called(message, words, secrets)
        if not private and not called:
            return Ignored("not addressed")
        reply_to = _place(message)
        if not private and number_at(message, "message_id"):
            reply_to["reply"] = number_at(message, "message_id")
        return (_message(key, reply_to, sender, spoken(words), None, secrets),)

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        body = body_of(reply, self.setup.public_url)
        names, whole = labels(body.options, LABEL, utf16_units)
        texts = body.pieces(TEXT, size=utf16_units, escape=markup.html, listed=not whole)
        requests = []
        for number, text in enumerate(texts, 1):
            message: dict[str, object] = {
                "chat_id": int(to["chat"]),
                "text": text,
                "parse_mode": "HTML",
                "link_preview_options": {"is_disabled": True},
            }
            if "thread" in to:
                message["message_thread_id"] = int(to["thread"])
            if "reply" in to and number == 1:
                message["reply_parameters"] = {
                    "message_id": int(to["reply"]),
                    "allow_sending_without_reply": True,
                }
            if body.options and number == len(texts):
                message["reply_markup"] = {
                    "inline_keyboard": [
                        [{"text": name, "callback_data": option.key}]
                        for option, name in zip(body.options, names, strict=True)
                    ]
                }
            requests.append(self._request("sendMessage", message))
        return tuple(requests)

    def _url(self, method: str) -> str:
        return f"{self.setup.api or API}/bot{{TOKEN}}/{method}"

    def _get_me(self) -> OutgoingRequest:
        return OutgoingRequest("GET", self._url("getMe"), auth="url:TOKEN")

    def _request(self, method: str, parameters: object) -> OutgoingRequest:
        return OutgoingRequest(
            "POST",
            self._url(method),
            to_json(parameters),
            {"Content-Type": "application/json"},
            auth="url:TOKEN",
        )

    def _pressed(self, query: object, key: str, secrets: Secrets) -> Received:
        """A button: it is answered at once, so that it stops to spin, and then as its words."""
        message, data = at(query, "message"), text_at(query, "data")
        press, sender = id_at(query, "id"), id_at(query, "from", "id")
        chat = number_at(message, "chat", "id")
        if not press or not sender or not chat:
            return Ignored("a button without its message")
        keyboard = at(message, "reply_markup", "inline_keyboard")
        rows = keyboard if isinstance(keyboard, list) else []
        buttons = [button for row in rows if isinstance(row, list) for button in row]
        pressed = [button for button in buttons if text_at(button, "callback_data") == data]
        shown = text_at(pressed[0], "text") if pressed else ""
        pick = read_pick(data, shown)
        answer = Action(
            channel="telegram",
            event_key=f"{key}/pressed",
            conversation_key=_conversation(_place(message), secrets),
            requests=(self._request("answerCallbackQuery", {"callback_query_id": press}),),
        )
        if pick is None:
            return (answer,)
        return answer, _message(key, _place(message), sender, pick.text, pick.key, secrets)

    def _called(self, message: object, words: str, secrets: Secrets) -> tuple[str, bool]:
        """(the words without a mention of the bot, whether it is mentioned, replied to or
        commanded). Of what is said to a name, nothing is for the bot before it knows its own."""
        me = secrets.get("TOKEN").partition(":")[0]
        called = id_at(message, "reply_to_message", "from", "id") == me
        units = words.encode("utf-16-le")
        entities = objects_at(message, "entities") or objects_at(message, "caption_entities")
        for entity in entities:
            kind = text_at(entity, "type")
            start, length = at(entity, "offset"), at(entity, "length")
            if not isinstance(start, int) or not isinstance(length, int) or min(start, length) < 0:
                continue
            said = units[2 * start : 2 * (start + length)].decode("utf-16-le", "ignore")
            _, separator, name = said.partition("@")
            if kind == "bot_command" and start == 0:
                called = called or not separator or self._is_me(name, secrets)
            elif (kind == "mention" and self._is_me(name, secrets)) or (
                kind == "text_mention" and id_at(entity, "user", "id") == me
            ):
                called = True
                words = words.replace(said, " ", 1) if said else words
        return clean(words).strip(), called

    def _is_me(self, name: str, secrets: Secrets) -> bool:
        """Whether `name`, without its "@", is the bot's own, as Telegram tells it."""
        own = text_at(self.setup.account(self._get_me(), secrets), "result", "username")
        return bool(own) and name.casefold() == own.casefold()


def _message(
    key: str,
    reply_to: Mapping[str, str],
    sender: str,
    text: str,
    picked: str | None,
    secrets: Secrets,
) -> IncomingMessage:
    return IncomingMessage(
        channel="telegram",
        event_key=key,
        conversation_key=_conversation(reply_to, secrets),
        sender=secrets.pseudonym("person", sender),
        text=text,
        picked=picked,
        reply_to=reply_to,
    )


def _place(message: object) -> dict[str, str]:
    place = {"chat": number_at(message, "chat", "id")}
    if at(message, "is_topic_message") is True and number_at(message, "message_thread_id"):
        place["thread"] = number_at(message, "message_thread_id")
    return place


def _conversation(place: Mapping[str, str], secrets: Secrets) -> str:
    return secrets.pseudonym("conversation", place["chat"], place.get("thread", ""))
