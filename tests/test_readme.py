"""The README says what is so: its transcript, its commands, its links."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest

from bot.__main__ import build_parser
from bot.bot import Bot
from bot.printing import screen_for

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def transcript() -> list[tuple[str, str]]:
    block = re.search(r"<!-- transcript -->\n```text\n(.*?)\n```", README, re.S)
    assert block is not None
    parts = re.split(r'^\$ python -m bot ask "(.+)"$', block[1], flags=re.M)
    return [(q, a.strip()) for q, a in zip(parts[1::2], parts[2::2], strict=True)]


def test_there_is_a_transcript_with_an_answer_and_a_decline() -> None:
    assert len(transcript()) >= 3


@pytest.mark.parametrize(("question", "printed"), transcript())
def test_the_transcript_is_real(bot: Bot, question: str, printed: str) -> None:
    out = StringIO()
    screen_for(out, {}).reply(bot.ask(question).reply)
    assert out.getvalue().strip() == printed


def test_every_link_into_the_repository_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_picture_is_shown_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    told = "".join(page.read_text(encoding="utf-8") for page in pages)
    pictures = [picture.name for picture in (ROOT / "docs/images").iterdir()]
    assert len(pictures) > 8
    assert [name for name in pictures if f"images/{name}" not in told] == []


def test_a_step_names_all_its_modules() -> None:
    linked = set(re.findall(r"\]\((bot/\w+/\w+\.py)\)", README))
    folders = {str(Path(link).parent) for link in linked}
    modules = {f"{folder}/{m.name}" for folder in folders for m in (ROOT / folder).glob("*.py")}
    assert {m for m in modules if not m.endswith("__init__.py")} == linked


def test_every_command_named_exists() -> None:
    named = set(re.findall(r"python -m bot ([a-z-]+)", README))
    choices = next(a.choices for a in build_parser()._actions if a.dest == "command")
    assert choices is not None
    assert named <= set(choices)


def test_the_continuous_integration_finds_the_test_command() -> None:
    """`.ci/run` runs exactly this block."""
    block = re.search(r"<!-- test command -->\n```sh\n(.*?)\n```", README, re.S)
    assert block is not None
    assert block[1].endswith("python -m pytest")
