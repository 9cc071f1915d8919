"""Texts that break what is careless: emoji, right-to-left, markup, no spaces, great length."""

from __future__ import annotations

from hypothesis import strategies as st

FRAGMENTS = (
    "word",
    "A sentence that ends. ",
    "Is it? ",
    "e.g. 3.5 mg ",
    " ",
    "\n",
    "\n\n",
    "\u00a0",
    "*bold* _it_ ~no~ `code` ",
    "**",
    "```",
    "> quoted\n",
    "- item\n",
    "1. first\n",
    "# head\n",
    "||spoiler||",
    "[label](https://evil.example)",
    "<b>&amp;</b>",
    "&",
    "<",
    ">",
    '"',
    "'",
    "\\",
    "<@U123>",
    "<!channel>",
    "@everyone ",
    "<users/all>",
    ":smile: ",
    "10:30:45",
    "{TOKEN}",
    "%s",
    "{0}",
    "https://example.org/a_b*c_(d)?e=f&g=h ",
    "👩‍👩‍👧‍👦",
    "🇩🇪🇫🇷",
    "👍🏽",
    "e\u0301",
    "\u0301",
    "ꦀꦴ",
    "שלום עולם. ",
    "مرحبا بالعالم ",
    "\u202eevil\u202c",
    "\u200d",
    "\u200b",
    "日本語。",
    "𝔘𝔫𝔦",
    "x" * 97,
    "\r\n",
    "\x07",
    "\ufeff",
)
pieces = st.sampled_from(FRAGMENTS) | st.text(min_size=1, max_size=20)
blocks = st.lists(pieces, min_size=1, max_size=12).map("".join)


@st.composite
def texts(draw: st.DrawFn, longest: int = 10_000) -> str:
    """A text with something to see in it, of 1 to `longest` characters."""
    block = draw(blocks)
    length = draw(st.sampled_from((1, 20, 450, 1024, 2000, 4096, 10_000)) | st.integers(1, 10_000))
    text = (block * (length // len(block) + 1))[: min(length, longest)]
    return text if any(c.isprintable() and c > " " for c in text) else text[: longest - 1] + "x"


@st.composite
def lines(draw: st.DrawFn, longest: int = 10_000) -> str:
    """The same in one line, as titles and questions are."""
    return " ".join(draw(texts(longest)).split()) or "x"
