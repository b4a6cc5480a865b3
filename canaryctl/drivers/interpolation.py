"""Variables in a value of an environment file, as Compose fills them in.

Read are ``$VAR``, ``${VAR}``, ``$$`` for a dollar, ``${VAR:-default}``, ``${VAR:?error}`` and
``${VAR:+other}``, each also without the colon, where an empty variable counts as set. What stands
after the operator may hold variables itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LONGEST = 2**20
"""Characters of a value: variables in variables could make any number of them."""
_DEEPEST = 10
_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<bare>[A-Za-z_][A-Za-z0-9_]*)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:\}|(?P<operator>:?[-?+])))"
)
_BRACE = re.compile(r"\$\{|\}")
LookUp = Callable[[str], str | None]


def refers(text: str, is_set: Callable[[str], object]) -> bool:
    """Tell whether a text holds a variable, and no word that only happens to follow a dollar."""
    return any(
        one["name"] or (one["bare"] and is_set(one["bare"])) for one in _VARIABLE.finditer(text)
    )


def interpolated(text: str, look_up: LookUp, lacking: Callable[[str], object]) -> str:
    """Give a text with its variables filled in; what is no variable stays as it is.

    Args:
        text: as it is written.
        look_up: gives a variable's value, None where it is not set.
        lacking: told each variable without which Compose refuses the file (``${VAR:?error}``).

    Raises:
        ValueError: more than ``LONGEST`` characters, or too many defaults within each other.
    """
    return _filled(text, look_up, lacking, 0)


def _filled(text: str, look_up: LookUp, lacking: Callable[[str], object], depth: int) -> str:
    if depth > _DEEPEST:
        raise ValueError(f"more than {_DEEPEST} defaults within each other")
    parts: list[str] = []
    at = length = 0
    while found := _VARIABLE.search(text, at):
        name, operator, end = found["bare"] or found["name"], found["operator"], found.end()
        value = "$" if found["dollar"] else look_up(name)
        if operator:
            closing = _closing(text, end)
            if closing is None:
                break
            is_set = bool(value) if operator[0] == ":" else value is not None
            if operator[-1] == "?":
                if not is_set:
                    lacking(name)
            elif is_set is (operator[-1] == "+"):
                value = _filled(text[end:closing], look_up, lacking, depth + 1)
            elif operator[-1] == "+":
                value = ""
            end = closing + 1
        parts += (text[at : found.start()], value or "")
        length += found.start() - at + len(parts[-1])
        if length > LONGEST:
            raise ValueError(f"more than {LONGEST:,} characters")
        at = end
    return "".join((*parts, text[at:]))


def _closing(text: str, at: int) -> int | None:
    """Find the brace that closes what was opened before; None: there is none."""
    depth = 1
    for found in _BRACE.finditer(text, at):
        depth += 1 if found[0] == "${" else -1
        if depth == 0:
            return found.start()
    return None
