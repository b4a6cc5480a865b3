r"""Lines of text with a tone, safe to show wherever they came from.

What a listener shows is built from ``Line``; a terminal colours its spans, a log joins them.
Values from metrics, labels and other programs are part of the text, so control characters are
written out (``\x1b``, ``\n``) before anything else is done: they can neither move a cursor
nor begin a line that looks like one of ours.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from canaryctl.core.visible import visible

LONGEST = 2_000
"""Characters of one span; what is longer is cut, and says so."""

_ASCII = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "–": "-",
        "●": "*",
        "·": "|",
        "…": "...",
        "→": "->",
        "≤": "<=",
        "≥": ">=",
        "≈": "~",
        "×": "x",
        "▲": "^",
        "▼": "v",
        "◂": "<",
        "├": "|",
        "│": "|",
        "└": "`",
        "─": "-",
        "━": "=",
        "╸": "-",
        "█": "#",
    }
)


class Tone(StrEnum):
    """How a span is meant; what colour that is, each listener decides."""

    PLAIN = "plain"
    HEAD = "head"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    FAINT = "faint"


@dataclass(frozen=True, slots=True)
class Span:
    """Some text in one tone. Whatever it is made from, its text can be shown as it is."""

    text: str
    tone: Tone = Tone.PLAIN

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clean(self.text))


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        spans: its parts, without gaps between them.
        hang: columns by which a continuation is indented where the line has to be folded.
    """

    spans: tuple[Span, ...] = ()
    hang: int = 0

    @property
    def text(self) -> str:
        """The line without its tones."""
        return "".join(span.text for span in self.spans)

    def indented(self, columns: int) -> Line:
        """Give the line so many columns further to the right."""
        return Line((Span(" " * columns), *self.spans), self.hang + columns)


def line(*parts: str | Span, hang: int = 0) -> Line:
    """Make a line; a bare string is plain text."""
    return Line(tuple(Span(p) if isinstance(p, str) else p for p in parts), hang)


def toned(tone: Tone, text: str, *, hang: int = 2) -> Line:
    """Make a line in one tone."""
    return Line((Span(text, tone),), hang)


def clean(text: str) -> str:
    """Write out every character that would act instead of being seen, and bound the length."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}… ({len(text) - LONGEST} more characters)"
    return visible(text)


def in_ascii(text: str) -> str:
    """Write a line for a stream that knows ASCII only: signs replaced, the rest written out."""
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def cells(text: str) -> int:
    """Count the columns a terminal needs: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def left(text: str, columns: int) -> str:
    """Pad on the right; what is too long ends in ``…``."""
    return _cut(clean(text), columns) if cells(text) > columns else text + _pad(text, columns)


def right(text: str, columns: int) -> str:
    """Pad on the left; what is too long stays as it is, because a number is never cut."""
    return _pad(text, columns) + text


def _pad(text: str, columns: int) -> str:
    return " " * (columns - cells(text))


def _cut(text: str, columns: int) -> str:
    while text and cells(text) > columns - 1:
        text = text[:-1]
    return f"{text}…" + _pad(f"{text}…", columns)
