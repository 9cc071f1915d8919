"""The campaigns in small: real servers, killed and flooded."""

from __future__ import annotations

from pathlib import Path

import crash_campaign
import load
import pytest

from bot.encoding.encoders import Encoder


def test_nothing_is_lost_or_out_of_order_though_the_server_is_killed(
    cache_folder: Path, encoder: Encoder, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--events", "120", "--kills", "3", "--late", "1", "--faulty", "0.08"]
    passed = crash_campaign.main([*small, "--cache", str(cache_folder)]) == 0
    assert passed, capsys.readouterr().out


def test_webhooks_are_acknowledged_under_load(
    cache_folder: Path, encoder: Encoder, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["--rate", "20", "--seconds", "3", "--p99", "1000"]
    passed = load.main([*short, "--cache", str(cache_folder)]) == 0
    assert passed, capsys.readouterr().out
