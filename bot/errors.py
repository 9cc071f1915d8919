"""Everything that Quoth raises on purpose.

    QuothError
    ├── UsageError          the command line or an argument is wrong (exit 2)
    ├── SettingsError       a setting or an environment variable is wrong
    ├── DocumentError       a source cannot be read
    │   └── NoFaqError      a file of data that isn't a list of questions and answers
    ├── KnowledgeError      a file of the knowledge is wrong: names file and line
    ├── EncoderError        a model cannot be loaded, exported or trusted
    ├── CalibrationError    too few questions, or a risk that cannot be met
    └── QuestionError       a question that cannot be taken (empty, too long)

Declining is never an exception: it is a `bot.types.Declined`.
"""

from __future__ import annotations

from pathlib import Path


class QuothError(Exception):
    """Base of all; the message says what was wrong, where, and what to do."""


class UsageError(QuothError):
    pass


class SettingsError(QuothError):
    pass


class DocumentError(QuothError):
    pass


class NoFaqError(DocumentError):
    pass


class KnowledgeError(QuothError):
    """A fault in the knowledge, with the place to mend it; `message` is without that place."""

    def __init__(self, message: str, file: Path | None = None, line: int | None = None) -> None:
        self.message, self.file, self.line = message, file, line
        place = "" if file is None else f"{file}:{line}: " if line is not None else f"{file}: "
        super().__init__(place + message)


class EncoderError(QuothError):
    pass


class CalibrationError(QuothError):
    pass


class QuestionError(QuothError):
    pass
