"""The page on messaging channels is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checkout import ROOT
from platforms import PLATFORMS

from bot.state.inbox import REMEMBERED_DAYS
from bot.state.metrics import Metrics

PAGE: Path = ROOT / "docs/channels/README.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_channel_has_its_row_with_the_delivery_that_it_promises(page: str) -> None:
    rows = re.findall(r"^\| \[`(\w+)`\]\((\S+)\) \| (.+?) \| (.+?) \|$", page, re.M)
    expected = []
    for platform in PLATFORMS:
        info = platform.channel.describe()
        expected.append((info.name, f"{info.name}.md", info.title, info.delivery))
    assert rows == expected
    assert all((PAGE.parent / file).is_file() for _, file, _, _ in rows)


def test_every_metric_is_listed(page: str) -> None:
    listed = set(re.findall(r"^\| `(quoth_messaging_\w+)` \|", page, re.M))
    found = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in Metrics().registry.collect()
        if metric.name.startswith("quoth_messaging")
    }
    assert listed == found


def test_it_says_how_long_an_event_is_known(page: str) -> None:
    assert f"known for {REMEMBERED_DAYS} days" in page
    assert REMEMBERED_DAYS >= 7
