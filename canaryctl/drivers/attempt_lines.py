"""Lines of NGINX's log of attempts: ``10 s 200``, ``1 cs 502, 200``.

For how many requests a line stands, whose each attempt was (``c`` the canary's, ``s`` stable's),
and the status of each. NGINX itself tells whose an address is, by the configuration that dealt the
request: see ``nginx/upstream.conf.j2``.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.streaks import Served, Streaks, gathered

_LINE = re.compile(rb"(1|10) ([cs?-]+) ((?:\d{3}|-)(?:(?:,| :) (?:\d{3}|-))*)")
_STATUS = re.compile(rb"\d+|-")
# NGINX writes these for what was refused, reset or timed out. It leaves `-` where the client
# went away before there was an answer: nobody knows what it would have been.
_FAILED = frozenset((b"502", b"504"))
_UNKNOWN = b"-"
_SHOWN = 60  # bytes of a line in a message


class UncountableError(Exception):
    """The log does not say what was attempted; the text is for the user."""


class _Line(NamedTuple):
    stands_for: int
    attempts: tuple[tuple[str, bytes], ...]  # whose, and its status


def counted(lines: bytes) -> Attempts:
    """Add whole lines up.

    Raises:
        UncountableError: a line is not of this log, or an attempt was of neither version.
    """
    made, failed = Counter[str](), Counter[str]()
    # The same few lines come again and again.
    for text, times in Counter(lines.splitlines()).items():
        line = _parsed(text)
        for letter, status in line.attempts:
            made[letter] += times * line.stands_for
            if status in _FAILED:
                failed[letter] += times * line.stands_for
    if made["?"]:
        raise UncountableError(f"{made['?']} went to addresses of neither version")
    return Attempts(made["c"], failed["c"], made["s"], failed["s"])


def streaks(lines: bytes) -> Streaks:
    """Tell what failed one after the other, in the order of whole lines.

    Raises:
        UncountableError: a line is not of this log.
    """
    every = lines.splitlines()
    # The same few lines come again and again.
    known = {text: _served(_parsed(text)) for text in set(every)}
    return gathered(map(known.__getitem__, every))


def _parsed(text: bytes) -> _Line:
    found = _LINE.fullmatch(text)
    if found is None:
        raise UncountableError(f"{text[:_SHOWN]!r} is no line of the log of attempts")
    # More statuses than letters: NGINX's configuration tells the first few attempts apart.
    pairs = zip(found[2].decode(), _STATUS.findall(found[3]), strict=False)
    return _Line(int(found[1]), tuple(pairs))


def _served(line: _Line) -> Served:
    """Tell what one line is in a streak: a request each, however many attempts it took."""
    stable = _good(line, "s")
    requests = 0 if stable is None else line.stands_for
    return Served(_good(line, "c"), requests, 0 if stable else requests)


def _good(line: _Line, letter: str) -> bool | None:
    """Tell whether a version served a request; None: it was not asked, or nobody knows."""
    known = [status for whose, status in line.attempts if whose == letter and status != _UNKNOWN]
    return any(not status.startswith(b"5") for status in known) if known else None
