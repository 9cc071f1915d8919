"""Each channel has a page that is true: its variables, limits and what it promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from platforms import PLATFORMS, Platform

from bot.channels.messaging.protocol import DELIVERIES
from bot.channels.messaging.registry import CHANNELS

PAGES = Path(__file__).resolve().parents[2] / "docs/channels"
each = pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.name)


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def test_every_channel_has_a_page() -> None:
    pages = {path.stem for path in PAGES.glob("*.md")} - {"README"}
    assert pages == set(CHANNELS)


@each
def test_a_page_has_all_variables_and_no_others(platform: Platform) -> None:
    text = page(platform.name)
    info = platform.channel.describe()
    for setting in info.settings:
        row = f"| `{setting.variable(platform.name)}` | "
        row += (
            f"{'required' if setting.required else 'optional'} | {setting.meaning}; {setting.form}"
        )
        assert row in text
        previous = f"`{setting.variable(platform.name)}_PREVIOUS`"
        assert (f"an older one in {previous}" in text) == setting.rotates
    known = {setting.variable(platform.name) for setting in info.settings}
    known |= {f"{variable}_{end}" for variable in known for end in ("PREVIOUS", "FILE")}
    known |= {"QUOTH_CHANNELS", "QUOTH_PUBLIC_URL", "QUOTH_HASH_KEY"}
    known |= {f"QUOTH_{platform.name.upper()}_API_URL"}
    assert set(re.findall(r"QUOTH_[A-Z_]+", text)) <= known


@each
def test_a_page_tells_limits_and_what_delivery_promises(platform: Platform) -> None:
    text = page(platform.name)
    info = platform.channel.describe()
    assert f"{info.limits.text:,} {info.limits.unit}" in text
    assert f"**{info.delivery.capitalize()}.** {DELIVERIES[info.delivery]}" in text
    assert f"/webhooks/{platform.name}" in text
    assert f"python -m bot channel check {platform.name}" in text


def test_platforms_without_a_key_promise_no_more_than_at_least_once() -> None:
    for name in ("slack", "telegram", "whatsapp"):
        assert "**At least once.**" in page(name)
