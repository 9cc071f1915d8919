"""`channel check` says what is wrong, asks the platform, and sends a test message on request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import ROOT
from platform_fake import PlatformFake
from senders import SENDERS, environment
from shops import make_shop

from bot.__main__ import main
from bot.state.database import Database
from bot.state.inbox import Event, Inbox


@pytest.fixture
def fake() -> Iterator[PlatformFake]:
    fake = PlatformFake().start()
    yield fake
    fake.stop()


def test_all_that_is_missing_is_named_and_no_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUOTH_PUBLIC_URL", "https://quoth.example.org")
    monkeypatch.setenv("QUOTH_SLACK_BOT_TOKEN", "hunter2")
    assert main(["channel", "check", "slack"]) == 1
    printed = capsys.readouterr().out
    assert "QUOTH_CHANNELS does not name it" in printed
    assert "QUOTH_SLACK_SIGNING_SECRET is missing" in printed
    assert "QUOTH_SLACK_BOT_TOKEN has the wrong form" in printed
    assert "hunter2" not in printed


def test_an_unknown_channel_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["channel", "check", "fax"]) == 2
    assert "there are: slack" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("slack", ["channel=D7"]),
        ("telegram", ["chat=8"]),
        ("googlechat", ["space=spaces/S7"]),
        ("line", ["to=U7"]),
        ("generic", ["conversation=7", "in_reply_to=msg_0"]),
    ],
)
def test_a_test_message_arrives(
    name: str,
    to: list[str],
    fake: PlatformFake,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, value in environment(fake.address, (name,)).items():
        monkeypatch.setenv(variable, value)
    sent_to = [part for one in to for part in ("--send-to", one)]
    main(["channel", "check", name, *sent_to])
    printed = capsys.readouterr().out
    assert f"https://quoth.example.org/webhooks/{name}" in printed
    assert "the test message was delivered" in printed
    (arrival,) = fake.log.arrivals
    assert arrival.seen.text.startswith("This is a test message")
    assert arrival.seen.conversation == 7


def test_a_missing_address_is_named(
    fake: PlatformFake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in environment(fake.address, ("twilio",)).items():
        monkeypatch.setenv(variable, value)
    assert main(["channel", "check", "twilio", "--send-to", "to=+49000007"]) == 2
    assert "--send-to" in capsys.readouterr().err


def test_every_channel_can_be_checked(
    fake: PlatformFake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in environment(fake.address).items():
        monkeypatch.setenv(variable, value)
    for name in SENDERS:
        main(["channel", "check", name])
        assert "ok     its settings are there" in capsys.readouterr().out


def test_a_server_whose_channel_lacks_a_secret_does_not_start_and_says_which(
    tmp_path: Path,
) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("QUOTH_")} | {
        "QUOTH_PORT": "0",
        "QUOTH_DATABASE_URL": f"sqlite:///{tmp_path}/quoth.db",
        "QUOTH_CHANNELS": "slack,line",
        "QUOTH_PUBLIC_URL": "https://quoth.example.org",
        "QUOTH_SLACK_SIGNING_SECRET": "hunter2",
    }
    ended = subprocess.run(
        [sys.executable, "server.py"], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    assert ended.returncode == 1
    for missing in ("QUOTH_SLACK_BOT_TOKEN", "QUOTH_LINE_CHANNEL_SECRET"):
        assert f"{missing} is missing" in ended.stderr
    assert "hunter2" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_the_outbox_of_several_sites_is_that_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/quoth.db"
    monkeypatch.setenv("QUOTH_DATABASE_URL", url)
    for name in ("shop", "clinic"):
        make_shop(tmp_path / "sites" / name)
        database = Database(url, name)
        Inbox(database).accept([Event("generic", "msg_1", "generic.c", {"text": "hello"})])
        with database.transaction(write=True) as db:
            Inbox(database).dead(db, 1, "KeyError")
        database.close()
    sites = ["--knowledge", str(tmp_path / "sites")]
    assert main(["outbox", "list", *sites]) == 0
    assert [row.split()[0] for row in capsys.readouterr().out.splitlines()] == [
        "clinic/in-1",
        "shop/in-1",
    ]
    assert main(["outbox", "drop", "in-1", *sites]) == 2
    assert main(["outbox", "replay", "shop/in-1", *sites]) == 0
    capsys.readouterr()
    assert main(["outbox", "list", "--json", *sites]) == 0
    assert [json.loads(row)["id"] for row in capsys.readouterr().out.splitlines()] == [
        "clinic/in-1"
    ]
    assert main(["outbox", "drop", "--all", *sites]) == 0
    assert main(["outbox", "list", "--knowledge", str(tmp_path / "sites" / "shop")]) == 0
    assert capsys.readouterr().out.endswith("no dead letters\n")


def test_a_channels_site_is_checked(
    tmp_path: Path,
    fake: PlatformFake,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("shop", "clinic"):
        make_shop(tmp_path / "sites" / name)
    for variable, value in environment(fake.address, ("generic",)).items():
        monkeypatch.setenv(variable, value)
    check = ["channel", "check", "generic", "--knowledge", str(tmp_path / "sites")]
    main(check)
    assert "ok     it is answered from the site clinic" in capsys.readouterr().out
    monkeypatch.setenv("QUOTH_GENERIC_SITE", "bank")
    assert main(check) == 1
    said = capsys.readouterr().out
    assert "WRONG  QUOTH_GENERIC_SITE names no site: there are clinic, shop" in said
