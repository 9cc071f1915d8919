"""The tables of the database, and what their columns mean."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()
VERSION = sa.Table("schema_version", sa.MetaData(), sa.Column("version", sa.Integer))
CONVERSATIONS = sa.Table(
    "conversations",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("updated", sa.Float, nullable=False, index=True),
)
TURNS = sa.Table(
    "turns",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("conversation_id", sa.String(64), nullable=False),
    sa.Column("turn_id", sa.String(64), nullable=False, index=True),
    sa.Column("client_id", sa.String(64)),  # NULLs are distinct: a turn need not have one
    sa.Column("turn", sa.Text, nullable=False),
    sa.Column("reply", sa.Text, nullable=False),
    sa.UniqueConstraint("conversation_id", "client_id"),
)
QUESTIONS = sa.Table(
    "questions",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
    sa.Column("asked", sa.Float, nullable=False, index=True),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(32)),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("handled", sa.String(16)),  # what the owner did about it; NULL: nothing yet
)
FEEDBACK = sa.Table(
    "feedback",
    METADATA,
    sa.Column("turn_id", sa.String(64), primary_key=True),
    sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
    sa.Column("given", sa.Float, nullable=False, index=True),
    sa.Column("helpful", sa.Boolean, nullable=False),
    sa.Column("comment", sa.Text),
    sa.Column("question", sa.Text),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("handled", sa.String(16)),
)
# Replies counted, with nothing of what was asked or by whom.
COUNTS = sa.Table(
    "reply_counts",
    METADATA,
    sa.Column("day", sa.String(10), primary_key=True),  # YYYY-MM-DD, UTC
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("reason", sa.String(32), primary_key=True),  # "" where there is none
    sa.Column("tenth", sa.Integer, primary_key=True),  # of the confidence: 0 (0-0.1) .. 9
    sa.Column("count", sa.Integer, nullable=False),
)

# The work of the messaging platforms. An event is a row of INBOX until it is answered, an answer
# one row of OUTBOX a message; both are worked off by lanes, one for each conversation and
# direction, and a lane is leased to one worker at a time. What a person wrote stands in `message`
# and `request` alone, and both are emptied as soon as they are done with.
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
INBOX = sa.Table(
    "inbox",
    METADATA,
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("event_key", sa.String(64), nullable=False),  # a hash: event ids can hold numbers
    sa.Column("conversation", sa.String(64), nullable=False),
    sa.Column("received", sa.Float, nullable=False, index=True),
    sa.Column("state", sa.String(8), nullable=False),  # waiting, done, dead
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("message", sa.Text),
    sa.Column("error", sa.String(100)),
    sa.UniqueConstraint("channel", "event_key"),
    sqlite_autoincrement=True,
)
OUTBOX = sa.Table(
    "outbox",
    METADATA,
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("conversation", sa.String(64), nullable=False, index=True),
    sa.Column("event", sa.BigInteger, nullable=False, index=True),  # the row of INBOX it answers
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("changed", sa.Float, nullable=False, index=True),
    sa.Column("state", sa.String(8), nullable=False),  # waiting, sent, dead
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("request", sa.Text),
    sa.Column("error", sa.String(100)),
    sqlite_autoincrement=True,
)
for _table in (INBOX, OUTBOX):
    sa.Index(
        f"{_table.name}_waiting",
        _table.c.conversation,
        _table.c.number,
        sqlite_where=_table.c.state == "waiting",
        postgresql_where=_table.c.state == "waiting",
    )
LANES = sa.Table(
    "lanes",
    METADATA,
    sa.Column("direction", sa.String(3), primary_key=True),  # in, out
    sa.Column("conversation", sa.String(64), primary_key=True),
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("due", sa.Float),  # when to look at it next; NULL where nothing waits in it
    sa.Column("leased_until", sa.Float, nullable=False, default=0.0),
    sa.Column("owner", sa.String(36)),  # of the lease: another one for each lease
    sa.Column("touched", sa.Float, nullable=False),
    sa.Index("lanes_due", "direction", "due"),
)
PACES = sa.Table(  # the token buckets of the channels, shared by all servers
    "paces",
    METADATA,
    sa.Column("channel", sa.String(32), primary_key=True),
    sa.Column("due", sa.Float, nullable=False),
)
