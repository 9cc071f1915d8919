"""The commands, by what they are for; each module's `add` declares its own.

Every import of a part stands in the command that needs it, so that no command pays for another.
"""

from __future__ import annotations

from bot.commands import asking, exchanging, knowing, measuring, operating, publishing, reviewing

MODULES = (asking, knowing, exchanging, reviewing, measuring, publishing, operating)
