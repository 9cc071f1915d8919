"""The conversation in a terminal: the `chat` channel.

On a terminal it edits lines, completes questions and keeps a history (prompt-toolkit, imported
only then); from a pipe it takes a question a line. Ctrl-C clears the line, Ctrl-D quits.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from bot.errors import QuothError
from bot.printing import Screen, explain, printable, screen_for
from bot.types import Citation, Conversation
from bot.wording import normalise

if TYPE_CHECKING:
    from bot.bot import Exchange
    from bot.replying.receipts import Receipt

PROMPT = "> "
COMPLETIONS = 6

COMMANDS = {
    "/source": "show the passage of the last answer, with the quote marked and its place",
    "/why": "show how the last reply was decided; /why FILE saves it as a receipt",
    "/new": "forget the conversation so far",
    "/help": "show this",
    "/quit": "leave (so does Ctrl-D)",
}


class Answering(Protocol):
    """What the conversation needs of the bot."""

    def ask(self, question: str, conversation: Conversation | None = None) -> Exchange: ...

    def suggestions(self, prefix: str, limit: int) -> tuple[str, ...]: ...


class Session:
    """One person's conversation: takes lines, shows replies on a screen."""

    def __init__(
        self, bot: Answering, screen: Screen, complain: Callable[[str], None] | None = None
    ) -> None:
        self._bot, self._screen, self._complain = bot, screen, complain
        self._conversation: Conversation | None = None
        self._receipt: Receipt | None = None
        self._citations: tuple[Citation, ...] = ()

    def take(self, line: str) -> bool:
        """Work on one line, a question or a command; False where it ends the conversation."""
        line = line.strip()
        if not line:
            return True
        if not line.startswith("/"):
            self._ask(line)
            return True
        typed, _, rest = line.partition(" ")
        found = [name for name in COMMANDS if name.startswith(typed)]
        command = found[0] if len(found) == 1 else typed  # "/so" is enough for "/source"
        if command == "/quit":
            return False
        if command == "/help":
            self._screen.note(help_text())
        elif command == "/source":
            self._source()
        elif command == "/why":
            self._why(rest.strip())
        elif command == "/new":
            self._conversation, self._receipt, self._citations = None, None, ()
            self._screen.note("A new conversation.")
        else:
            self._screen.note(f"There is no command {command}. /help lists them.")
        return True

    def _ask(self, question: str) -> None:
        try:
            exchange = self._bot.ask(question, self._conversation)
        except QuothError as error:
            self._screen.note(str(error))
            return
        except Exception as error:  # the conversation must survive a defect
            if self._complain is None:
                raise
            self._complain(f"the question failed with {type(error).__name__}: {error}")
            return
        self._conversation, self._receipt = exchange.conversation, exchange.receipt
        reply = exchange.reply
        if reply.citations:  # "/source" still shows the last answer after a "thanks"
            self._citations = reply.citations
        if reply.question and normalise(reply.question) != normalise(question):
            self._screen.note(f"({reply.question})")  # how a follow-up was understood
        self._screen.reply(reply)
        self._screen.gap()

    def _source(self) -> None:
        if not self._citations:
            self._screen.note("Nothing was quoted yet.")
        for citation in self._citations:
            self._screen.passage(citation)

    def _why(self, file: str) -> None:
        if self._receipt is None:
            self._screen.note("Nothing was asked yet.")
        elif not file:
            self._screen.table(explain(self._receipt.to_json()))
        else:
            try:
                save_receipt(self._receipt, Path(file).expanduser())
            except OSError as error:
                self._screen.note(f"{file} can't be written: {error.strerror or error}")
            else:
                self._screen.note(f"Saved: {file}")


def save_receipt(receipt: Receipt, file: Path) -> None:
    """Write the receipt as JSON, readable by its owner only: it holds the question."""
    text = json.dumps(receipt.to_json(), indent=2, ensure_ascii=True) + "\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def help_text() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items())
    return (
        "Ask in your own words; every answer is a quote from the document. A number picks one of\n"
        f"the questions listed last; Tab completes a question.\n{commands}"
    )


def chat(
    bot: Answering,
    *,
    stdin: TextIO,
    stdout: TextIO,
    environ: Mapping[str, str],
    welcome: str,
    history: Path | None = None,
    complain: Callable[[str], None] | None = None,
) -> int:
    """Hold a conversation until the input ends; gives the exit code, 0.

    `history` is the file that keeps the lines typed, None for no file. Raises KeyboardInterrupt
    only where the input is not a terminal.
    """
    screen = screen_for(stdout, environ)
    session = Session(bot, screen, complain)
    if not stdin.isatty():
        for line in stdin:
            if not session.take(line):
                break
        return 0
    if stdout.isatty():
        screen.note(welcome)
    if stdout.isatty() and environ.get("TERM") != "dumb":
        lines = _edited_lines(bot, environ, history, complain)
    else:
        lines = _typed_lines(PROMPT if stdout.isatty() else "")
    for line in lines:
        try:
            if not session.take(line):
                break
        except KeyboardInterrupt:  # an answer broken off; the conversation goes on
            screen.gap()
    return 0


def _typed_lines(prompt: str) -> Iterator[str]:
    """Lines from a terminal that can't edit."""
    while True:
        try:
            yield input(prompt)
        except KeyboardInterrupt:
            print()
        except EOFError:
            print()
            return


def _edited_lines(
    bot: Answering,
    environ: Mapping[str, str],
    history: Path | None,
    complain: Callable[[str], None] | None,
) -> Iterator[str]:
    """Lines from a terminal with editing, history and completion."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory
    from prompt_toolkit.output import ColorDepth

    class Questions(Completer):
        def get_completions(self, document: Document, _: CompleteEvent) -> Iterator[Completion]:
            typed = document.text_before_cursor
            if typed.startswith("/"):
                found = [name for name in COMMANDS if name.startswith(typed)]
            else:
                found = list(bot.suggestions(typed, COMPLETIONS)) if typed.strip() else []
            for text in found:
                yield Completion(printable(text), start_position=-len(typed))

    kept: History = InMemoryHistory()
    if history is not None:
        try:
            open_history(history)
            kept = FileHistory(history)
        except OSError as error:
            if complain is not None:
                complain(f"no history is kept: {history}: {error.strerror or error}")
    depth = ColorDepth.DEPTH_1_BIT if environ.get("NO_COLOR") else None
    editor: PromptSession[Any] = PromptSession(
        PROMPT,
        completer=Questions(),
        history=kept,
        color_depth=depth,
        reserve_space_for_menu=COMPLETIONS,
    )
    while True:
        try:
            yield editor.prompt()
        except KeyboardInterrupt:  # clears the line
            continue
        except EOFError:
            return


def open_history(file: Path) -> None:
    """Make the history file, or narrow an older one: what was asked is its owner's alone."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600))
    file.chmod(0o600)


def history_file(environ: Mapping[str, str]) -> Path | None:
    """Where the lines typed are kept: the user's state folder, or None with QUOTH_HISTORY=off."""
    if environ.get("QUOTH_HISTORY", "").strip().lower() in ("off", "0", "no", "false"):
        return None
    from platformdirs import user_state_path

    return user_state_path("quoth", appauthor=False) / "history"
