"""GitHub Actions' workflow commands: lines of a step's log that become annotations.

The runner reads them from stdout and from stderr.
"""

from __future__ import annotations

from enum import StrEnum

from canaryctl.core.redaction import SECRETS
from canaryctl.listeners.line import clean

_LONGEST = 1_500
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


class Level(StrEnum):
    """How loud an annotation is."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


def annotation(level: Level, title: str, message: str) -> str:
    """Write ``::error title=…::…``: one line, whatever the texts hold, and without secrets."""
    shown = clean(SECRETS.hide(message)[:_LONGEST])
    head = clean(SECRETS.hide(title)[:_LONGEST])
    return f"::{level} title={_escaped(head, _PROPERTY)}::{_escaped(shown, _DATA)}"


def _escaped(text: str, signs: dict[str, str]) -> str:
    # The older form of a command may stand anywhere in a line, and begins so.
    return "".join(signs.get(sign, sign) for sign in text).replace("##[", "## [")
