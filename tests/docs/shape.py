"""Whether a command printed what its page shows, but for figures, names and times."""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNIT = r"(?:ms|min|pp|kB|KB|MB|GB|/s|[smhd%×])"
_SIGNED = r"[+\-−]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?"
_GENERAL = (
    (r"\b20\d{6}-\d{6}-[0-9a-f]{4}\b", "<rollout>"),
    (r"\b\d+-[0-9a-f]{6}\b", "<generation>"),
    (r"\b20\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| ?[+-]\d\d:?\d\d)?)?", "<time>"),
    (r"\b\d\d:\d\d(?::\d\d)?\b", "<time>"),
    (r"\b[\w.-]+@[\w.-]+:\d+\b", "<owner>"),
    (r"\bv\d+\.\d+\.\d+\b", "<release>"),
    (rf"(?<![\w.]){_SIGNED}(?: ?{_UNIT}(?!\w))?", "<n>"),
    (r"more than <n>", "<n>"),
    (r"<n>(?: <n>)+", "<n>"),
)


def general(text: str) -> str:
    """Write a text without what differs from run to run, and without its line breaks."""
    for pattern, name in _GENERAL:
        text = re.sub(pattern, name, text)
    return " ".join(text.split())


def missing(shown: Sequence[str], printed: str) -> str | None:
    """Give the first shown line that was not printed, in this order; None: all were.

    Line breaks do not count, since a terminal has its own width. ``…`` stands for anything.
    """
    rest = general(printed)
    for line in shown:
        parts = [re.escape(part) for part in map(general, line.split("…")) if part]
        found = re.search(r"(?<!\S)" * (not line.startswith("…")) + ".*?".join(parts), rest)
        if parts and found is None:
            return line
        rest = rest[found.end() :] if parts and found else rest
    return None
