"""What Django prints of several apps: each app's name, and indented below it its migrations."""

from __future__ import annotations

import re
from collections.abc import Mapping

LOOSE = ""
"""The name of what stands below no heading."""
_HEADING = re.compile(r"[A-Za-z_]\w*")
_BELOW = re.compile(r"(?i)[ \t]+(\[[ x-]\]|\(no migrations\))")


def sections(said: str) -> Mapping[str, str]:
    """Give what stands below each heading; empty when there is no heading.

    A heading is a line that is one bare word, with an indented ``[X]``, ``[ ]`` or
    ``(no migrations)`` as the next line.
    """
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    found: dict[str, list[str]] = {}
    under = LOOSE
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if _HEADING.fullmatch(line) and _BELOW.match(following):
            under = line
            found.setdefault(under, [])
            continue
        if not line[0].isspace():
            under = LOOSE
        if line.strip().casefold() != "(no migrations)":
            found.setdefault(under, []).append(line)
    if set(found) <= {LOOSE}:
        return {}
    return {name: "\n".join(below) for name, below in found.items()}
