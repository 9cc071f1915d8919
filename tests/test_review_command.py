"""`quoth review`: it says where it is, as whom, and which knowledge it takes."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from test_review_service import SHOP

from bot.__main__ import main

ROOT = Path(__file__).resolve().parent.parent


def test_it_prints_an_address_that_works_until_it_is_stopped(
    tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(SHOP, tmp_path / "all/shop")
    monkeypatch.setenv("QUOTH_DATABASE_URL", f"sqlite:///{tmp_path}/q.db")
    monkeypatch.setenv("QUOTH_CACHE_DIR", str(cache_folder))
    command = [sys.executable, "-m", "bot", "review", "--site", "shop", "--reviewer", "Ann\nLee"]
    with subprocess.Popen(
        [*command, "--knowledge", str(folder.parent)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.fullmatch(
                r"Review on (http://127\.0\.0\.1:\d+/\S{32}/) as Ann Lee\. .*\n", line
            )
            assert found, line
            page = httpx.get(found[1], follow_redirects=True, timeout=60)
            assert page.status_code == 200
            assert "When does the shop open?" in page.text
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def test_what_can_not_be_reviewed_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(SHOP, tmp_path / "shop")
    shutil.copytree(SHOP, tmp_path / "other")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments, code, says in (
            (["--knowledge", str(tmp_path)], 2, "Name it with --site; there are: other, shop"),
            (["--knowledge", str(tmp_path / "shop"), "--site", "x"], 2, "leave --site out"),
            (["--knowledge", str(tmp_path / "none")], 1, "there is no such folder"),
            (["--knowledge", str(tmp_path / "shop"), "--port", port], 2, "can't be used"),
        ):
            assert main(["review", *arguments]) == code
            assert says in capsys.readouterr().err
