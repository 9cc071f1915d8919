"""What crosses the wire as JSON, for checking what comes in and describing what goes out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.types import Cause, Reason

ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


class AskRequest(BaseModel):
    """One question, of a new conversation or of one that an earlier reply named."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"question": "How long do people with ALS live?"}]}
    )

    question: str = Field(description="The visitor's words.")
    conversation_id: str | None = Field(
        default=None,
        max_length=200,
        description="From an earlier reply. An unknown or expired one starts a new conversation.",
    )
    client_id: ClientId | None = Field(
        default=None,
        description="Your own id of this message. Sent again in the same conversation, the message "
        "is not asked again: the reply is the first one. So it is for a first message, without a "
        "conversation, where the id is random and has 32 characters or more.",
    )


class FeedbackRequest(BaseModel):
    """A verdict on one reply."""

    turn_id: str = Field(max_length=64, description="From the reply.")
    helpful: bool
    comment: str | None = Field(default=None, max_length=2000)


class CitationModel(BaseModel):
    """What is quoted and where it stands: the document's text[start:end] is the quote."""

    model_config = ConfigDict(extra="forbid")

    document: str
    title: str
    url: str | None = Field(description="The document's address; null: read it at /source.")
    heading: str | None
    page: int | None = Field(ge=1, description="Of a document with pages, such as a PDF.")
    row: str | None = Field(description="A quoted table row with the names of its columns.")
    quote: str = Field(max_length=450, description="Verbatim.")
    passage: str = Field(description="Verbatim: the paragraph around the quote.")
    start: int = Field(ge=0, description="In Unicode code points.")
    end: int = Field(gt=0, description="In Unicode code points.")


class ReplyModel(BaseModel):
    """The reply: `text` is complete and plain, the rest is the same in fields."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["answer", "clarify", "decline", "smalltalk", "safety"]
    text: str
    answer: str | None = Field(description="The quotes, verbatim; null where nothing is answered.")
    citations: list[CitationModel]
    disclaimer: str | None = Field(description="Of the documents quoted, verbatim.")
    confidence: float = Field(ge=0, le=1, description="Calibrated chance that the quote answers.")
    reason: Reason | None
    cause: Cause | None = Field(description="The reason, where it can be told more closely.")
    missing: list[str] = Field(description="Words of the question that no document covers.")
    suggestions: list[str] = Field(description="Questions that it can answer.")
    question: str = Field(description="As understood; a follow-up made self-contained.")
    conversation_id: str
    turn_id: str


class SuggestionsModel(BaseModel):
    suggestions: list[str]


class AboutDocument(BaseModel):
    id: str
    title: str
    url: str | None = Field(description="The document's address; null: read it at /source.")
    disclaimer: str | None = Field(description="The document's own, verbatim.")


class AboutModel(BaseModel):
    """What a chat shows before the first question."""

    title: str
    language: str = Field(description="Of the documents and replies, such as en.")
    privacy: str = Field(description="What becomes of a question, in a sentence for the visitor.")
    contact: str | None = Field(description="How to reach a person: a link or words.")
    max_question_chars: int
    documents: list[AboutDocument]


class HealthModel(BaseModel):
    status: Literal["ok"]


class SiteStateModel(BaseModel):
    """`status` "degraded": the newest state of the knowledge is broken, the one before is served,
    if there was one."""

    status: Literal["ready", "degraded"]
    pairs: int = Field(ge=0, description="Pairs that are served.")
    quarantined: int = Field(ge=0, description="Pairs whose answer no longer stands.")
    fault: str | None = Field(description="File, line and remedy of what is broken.")


class ReadyModel(SiteStateModel):
    """`store` "failing": questions are answered, but nothing is remembered."""

    store: Literal["ok", "failing"]


class SitesReadyModel(BaseModel):
    """`status` "degraded": so is one of the sites."""

    status: Literal["ready", "degraded"]
    store: Literal["ok", "failing"]
    sites: dict[str, SiteStateModel]


class FieldError(BaseModel):
    field: str
    detail: str


class ProblemModel(BaseModel):
    """RFC 9457 problem details."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None
    instance: str | None = None
