"""Matrix, as an application service of a homeserver; unencrypted rooms only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from bot.channels.messaging import markup
from bot.channels.messaging.body import body_of, part_key
from bot.channels.messaging.commands import spoken
from bot.channels.messaging.credentials import Secrets, Setting
from bot.channels.messaging.fields import at, id_at, objects_at, parse_json, text_at, to_json
from bot.channels.messaging.incoming import (
    Action,
    Handshake,
    Ignored,
    IncomingMessage,
    OutgoingRequest,
    RawRequest,
    Received,
    Rejected,
)
from bot.channels.messaging.protocol import ChannelInfo, Limits, Setup
from bot.channels.messaging.signatures import bearer, token_matches
from bot.types import Reply

TEXT = 40_000  # bytes of both forms of the text; an event may have 65,536 in all
COMMAND = "!quoth"

_ROOM = re.compile(r"![\x21-\x7e]{1,254}")
_FALLBACK = re.compile(r"\A(?:> .*\n)+\n?")  # how older clients quote what is replied to
_NOT_FOUND = Handshake(to_json({"errcode": "M_NOT_FOUND", "error": "not found"}), status=404)


@dataclass(frozen=True, slots=True)
class Matrix:
    setup: Setup = field(default_factory=Setup)

    def describe(self) -> ChannelInfo:
        return ChannelInfo(
            name="matrix",
            title="Matrix",
            settings=(
                Setting("HS_TOKEN", "hs_token of the registration", rotates=True),
                Setting("AS_TOKEN", "as_token of the registration"),
                Setting(
                    "HOMESERVER",
                    "the homeserver's address",
                    pattern=r"https?://\S+",
                    form="an address such as https://matrix.example.org",
                ),
                Setting(
                    "USER_ID",
                    "the bot's user id",
                    pattern=r"@[^:\s]+:\S+",
                    form="an id such as @quoth:example.org",
                ),
                Setting(
                    "ADDRESSED",
                    "always where all messages of its rooms are for the bot, else mention",
                    required=False,
                    pattern="mention|always",
                    form="mention or always",
                ),
            ),
            limits=Limits(TEXT, "bytes"),
            delivery="exactly once",
            acknowledgement=Handshake(b"{}"),
            acknowledge_seconds=30.0,
            per_second=10,
            address="HOMESERVER",
            probe=OutgoingRequest("GET", self._url("account/whoami"), auth="bearer:AS_TOKEN"),
        )

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        given = bearer(request.header("authorization"))
        if not token_matches(secrets.active("HS_TOKEN"), given):
            return Rejected("signature")
        path = request.path
        if path.endswith("/_matrix/app/v1/ping") and request.method == "POST":
            return Handshake(b"{}")
        if "/_matrix/app/v1/transactions/" not in path:
            mine = path.endswith(f"/users/{quote(secrets.get('USER_ID'), safe='')}")
            return Handshake(b"{}") if mine else _NOT_FOUND
        if request.method != "PUT":
            return Rejected("method")
        transaction = parse_json(request.body)
        if transaction is None:
            return Rejected("malformed")
        found = [self._event(event, secrets) for event in objects_at(transaction, "events")]
        return tuple(event for event in found if event) or Ignored("no message to answer")

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        body = body_of(reply, self.setup.public_url)
        texts = body.pieces(TEXT, size=_both_bytes, listed=True)
        requests = []
        for number, text in enumerate(texts, 1):
            key = part_key(reply, number)
            message: dict[str, object] = {
                "msgtype": "m.notice",  # what bots send; no bot answers it
                "body": text,
                "format": "org.matrix.custom.html",
                "formatted_body": markup.matrix_html(text),
            }
            if "thread" in to:
                message["m.relates_to"] = {
                    "rel_type": "m.thread",
                    "event_id": to["thread"],
                    "is_falling_back": True,
                    "m.in_reply_to": {"event_id": to["event"]},
                }
            elif number == 1:
                message["m.relates_to"] = {"m.in_reply_to": {"event_id": to["event"]}}
            requests.append(
                OutgoingRequest(
                    "PUT",
                    self._url(f"rooms/{quote(to['room'], safe='')}/send/m.room.message/{key}"),
                    to_json(message),
                    {"Content-Type": "application/json"},
                    auth="bearer:AS_TOKEN",
                    idempotency_key=key,
                )
            )
        return tuple(requests)

    def _url(self, path: str) -> str:
        return f"{(self.setup.api or '').rstrip('/')}/_matrix/client/v3/{path}"

    def _event(self, event: object, secrets: Secrets) -> IncomingMessage | Action | None:
        key, room, sender = (id_at(event, name) for name in ("event_id", "room_id", "sender"))
        me = secrets.get("USER_ID")
        if not key or not _ROOM.fullmatch(room) or not sender or sender == me:
            return None
        kind = text_at(event, "type")
        content = at(event, "content")
        if kind == "m.room.member":
            if at(content, "membership") != "invite" or at(event, "state_key") != me:
                return None
            join = OutgoingRequest(
                "POST",
                self._url(f"join/{quote(room, safe='')}"),
                b"{}",
                {"Content-Type": "application/json"},
                auth="bearer:AS_TOKEN",
            )
            conversation = secrets.pseudonym("conversation", room, "")
            return Action("matrix", key, conversation, (join,))
        relation = text_at(content, "m.relates_to", "rel_type")
        if (
            kind != "m.room.message"
            or text_at(content, "msgtype") != "m.text"  # a notice is another bot's
            or relation == "m.replace"
        ):
            return None
        text, called = _called(content, me)
        if not called and secrets.get("ADDRESSED") != "always":
            return None
        reply_to = {"room": room, "event": key}
        thread = id_at(content, "m.relates_to", "event_id") if relation == "m.thread" else ""
        if thread:
            reply_to["thread"] = thread
        return IncomingMessage(
            channel="matrix",
            event_key=key,
            conversation_key=secrets.pseudonym("conversation", room, thread),
            sender=secrets.pseudonym("person", sender),
            text=spoken(text),
            reply_to=reply_to,
        )


def _called(content: object, me: str) -> tuple[str, bool]:
    """(the words without mention or command, whether the bot is called by one)."""
    text = _FALLBACK.sub("", text_at(content, "body")).strip()
    listed = at(content, "m.mentions", "user_ids")
    called = isinstance(listed, list) and me in listed
    name = me[1:].partition(":")[0]
    if text.casefold().split(" ")[0] == COMMAND:
        return text[len(COMMAND) :].strip(), True
    for start in (me, f"@{name}", name):
        rest = text[len(start) :]
        ends = not rest or not (rest[0].isalnum() or rest[0] in "._=-")
        if text.casefold().startswith(start.casefold()) and ends:
            named = start == me or rest.startswith((":", ",")) or called
            if named:
                return rest.lstrip(" :,").strip(), True
    return text, called


def _both_bytes(text: str) -> int:
    return len(to_json(text)) + len(to_json(markup.matrix_html(text)))
