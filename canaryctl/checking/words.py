"""What programs and servers say, as a part of one line."""

from __future__ import annotations

from canaryctl.core.redaction import SECRETS
from canaryctl.drivers.command import Ran
from canaryctl.quantities import spelled

_LONGEST = 160


def line_of(text: str) -> str:
    """Make one printable line of at most 160 characters, without secrets."""
    words = " ".join(SECRETS.beginning(text).split())
    shown = "".join(one if one.isprintable() else "?" for one in words)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def how_it_ended(ran: Ran, within: float) -> str:
    """Say how a program ended that did not end with 0, and its last words."""
    if ran.code is None:
        ended = f"did not end within {spelled(within)}"
    elif ran.code < 0:
        ended = f"was ended by signal {-ran.code}"
    else:
        ended = f"ended with {ran.code}"
    words = line_of(ran.last_words)
    return f"{ended}: {words}" if words else ended
