"""Values in Markdown: text that stays text, on GitHub, GitLab and elsewhere.

Two things may not happen to a value from a journal. It may not become markup: so every sign that
Markdown knows is written as a character reference, which it never reads as structure. And it may
not fire after that, when a forge looks for mentions, references and addresses in what it has
rendered: so a sign that begins one is followed by a word joiner (U+2060), which is not seen. No
value begins a line, so signs that count only there are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MARKUP = re.compile(r"[\\`*_{}\[\]<>#!|~&@$^]|:(?=\u2060)")
_JOINER = "\u2060"
_FIRES = re.compile(
    r"(?<=[@#!$~&%^])(?=[\w\"'])|(?<=:)(?=//|[a-z+_-][\w+-]*:)|(?<=\bwww)(?=\.)|(?<=\bGH)(?=-\d)"
)
_TICKS = re.compile(r"`+")


def text(value: str) -> str:
    """Write a value as plain text; it must be one line."""
    return _MARKUP.sub(lambda sign: f"&#{ord(sign[0])};", _FIRES.sub(_JOINER, value))


def code(value: str) -> str:
    """Write a value as code in a line, also within a table's cell; it must be one line.

    Mentions and addresses do not fire in code.
    """
    if not value.strip():
        return text(value) or "–"
    longest = max(map(len, _TICKS.findall(value)), default=0)
    fence = "`" * (longest + 1)
    inside = value.replace("|", "\\|")  # a table is cut into cells before code is looked for
    # A backslash before a bar would be read as the bar's own.
    if "\\|" in value:
        return text(value)
    pad = " " if longest or inside.startswith(" ") or inside.endswith(" ") else ""
    return f"{fence}{pad}{inside}{pad}{fence}"


def block(values: list[str]) -> list[str]:
    """Write lines as a block of code."""
    longest = max((len(run) for one in values for run in _TICKS.findall(one)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *values, fence]


def row(*cells: str) -> str:
    """Write a table's row of finished cells."""
    return f"| {' | '.join(cell or ' ' for cell in cells)} |"


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Write a table of finished cells."""
    return [row(*heads), row(*("---" for _ in heads)), *(row(*one) for one in rows), ""]
