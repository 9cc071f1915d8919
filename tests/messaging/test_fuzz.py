"""Whatever a genuine sender sends: a typed result, never an exception, and what it says renders.

1,000 bodies a channel; QUOTH_FUZZ_BODIES asks for more.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any
from urllib.parse import urlencode

import pytest
from platforms import NOW, PLATFORMS, Platform
from replies import answered, clarified

from bot.channels.messaging.incoming import (
    Action,
    Handshake,
    Ignored,
    IncomingMessage,
    RawRequest,
    Rejected,
)

BODIES = int(os.environ.get("QUOTH_FUZZ_BODIES", "1000"))
JUNK: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1 << 70,
    1e308,
    float("nan"),
    float("inf"),
    "",
    " ",
    "\x00",
    "\ud800",
    "é" * 300,
    "x" * 5000,
    "../../etc",
    "https://evil.example/",
    "<at>",
    "/start",
    "q0123456789abcdef:1",
    "q0123456789abcdef:99:text",
    [],
    {},
    [[[]]],
    [None],
    [{}],
    {"id": None},
    {"type": "user"},
)


def mutated(value: Any, dice: random.Random) -> Any:
    """`value` with parts replaced, dropped, doubled or put elsewhere."""
    if dice.random() < 0.12:
        return dice.choice(JUNK)
    if isinstance(value, dict):
        items = [(k, mutated(v, dice)) for k, v in value.items() if dice.random() > 0.05]
        if dice.random() < 0.1:
            items.append((dice.choice(["type", "id", "text", "", "\ud800"]), dice.choice(JUNK)))
        return dict(items)
    if isinstance(value, list):
        found = [mutated(v, dice) for v in value if dice.random() > 0.05]
        return found * dice.choice((1, 1, 1, 2, 50))
    return value


def damaged(body: bytes, dice: random.Random) -> bytes:
    raw = bytearray(body)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(raw) + 1)
        choice = dice.randrange(3)
        if choice == 0:
            raw[at:at] = dice.randbytes(dice.randint(1, 5))
        elif choice == 1:
            del raw[at : at + dice.randint(1, 20)]
        elif at < len(raw):
            raw[at] = dice.randrange(256)
    return bytes(raw)


def seeds(platform: Platform) -> list[bytes]:
    found = [platform.event("What is MS?", "1")]
    reply = clarified(("Is MS fatal?", "Is ALS fatal?"))
    sent = platform.channel.render(reply, platform.message().reply_to)[-1]
    if platform.press:
        found.append(platform.press(sent, *platform.buttons(sent)[0]))
    return found


def fuzzed(body: bytes, dice: random.Random) -> bytes:
    kind = dice.random()
    if kind < 0.1:
        return dice.randbytes(dice.randrange(200))
    if kind < 0.15:
        return dice.choice(
            (b"", b"{}", b"[]", b"null", b"[" * 100_000, b'{"a":' * 20_000, b"1" * 9999)
        )
    if kind < 0.3:
        return damaged(body, dice)
    if body.startswith(b"{"):
        return json.dumps(mutated(json.loads(body), dice)).encode()
    fields = [part.partition(b"=") for part in body.split(b"&")]
    pairs = {name.decode(): mutated(value.decode(), dice) for name, _, value in fields}
    return urlencode({k: str(v) for k, v in pairs.items()}, errors="replace").encode()


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.name)
def test_fuzzed_bodies_get_typed_results(platform: Platform) -> None:
    dice = random.Random(platform.name)
    bodies = seeds(platform)
    replies = (answered("MS is not fatal."), clarified(("Is MS fatal?", "Is ALS fatal?")))
    taken = 0
    for _ in range(BODIES):
        request = platform.sign(fuzzed(dice.choice(bodies), dice))
        found = platform.channel.receive(request, platform.secrets, NOW)
        if isinstance(found, tuple):
            taken += 1
            for one in found:
                assert isinstance(one, IncomingMessage | Action)
                json.dumps([one.event_key, one.conversation_key]).encode()
                assert 1 <= len(one.event_key) <= 610
                if isinstance(one, Action):
                    continue
                one.text.encode()
                assert one.text.strip()
                assert "\0" not in one.text + one.event_key + "".join(one.reply_to.values())
                for sent in platform.channel.render(dice.choice(replies), one.reply_to):
                    platform.check(sent)
                    sent.url.encode("ascii")
        else:
            assert isinstance(found, Handshake | Ignored | Rejected)
    assert taken > BODIES // 100  # not all was refused at the door


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.name)
def test_fuzzed_headers_and_addresses_get_typed_results(platform: Platform) -> None:
    dice = random.Random(platform.name)
    right = platform.sign(platform.event("What is MS?", "1"))
    junk = ("", "é", "\ud800", "v0=", "sha256=", "Bearer ", "Bearer a.b.c", "HMAC ", "x" * 9999)
    urls = (right.url, "", "https://[", "http://x:99999/", "//", "https://x/?bodySHA256=1&a=%ff")
    for _ in range(BODIES // 10):
        headers = {name: dice.choice((value, *junk)) for name, value in right.headers.items()}
        method = dice.choice(("GET", "POST", "PUT", "", "\ud800"))
        request = RawRequest(method, dice.choice(urls), headers, right.body)
        found = platform.channel.receive(request, platform.secrets, NOW)
        assert isinstance(found, Handshake | Ignored | Rejected | tuple)
