"""NGINX's own counts per upstream attempt, from the log that it writes for canaryctl.

A line is ``10 s 200`` or ``1 cs 502, 200``: for how many requests it stands, whose each attempt
was (``c`` the canary's, ``s`` stable's), and the status of each. NGINX itself tells whose an
address is, by the configuration that dealt the request; see ``nginx/upstream.conf.j2``.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from canaryctl.core.errors import HostError
from canaryctl.core.sequential.batch import Attempts
from canaryctl.ports import MOST_TAILED, Host, Tail

_log = logging.getLogger(__name__)

_LINE = re.compile(rb"(1|10) ([cs?-]+) ((?:\d{3}|-)(?:(?:,| :) (?:\d{3}|-))*)")
_STATUS = re.compile(rb"\d+|-")
# NGINX writes these for what was refused, reset or timed out. It leaves `-` where the client
# went away before there was an answer: nobody knows what it would have been.
_FAILED = frozenset((b"502", b"504"))
_SHOWN = 60  # bytes of a line in a message


class UncountableError(Exception):
    """The log does not say what was attempted; the text is for the user."""


class _Position(NamedTuple):
    file: str
    offset: int  # just after a line's end


@dataclass(slots=True)
class NginxAttempts:
    """Counts in one log.

    Attributes:
        host: where NGINX runs.
        path: absolute path of the log there.
    """

    host: Host
    path: str
    _position: _Position | None = field(default=None, init=False)
    _complained: bool = field(default=False, init=False)

    def read(self) -> Attempts | None:
        """See ``ports.Counting``.

        After a rotation, and where more than 2 MB were written since the last call, the position
        is fixed anew and the answer is None. While the host does not answer nothing is lost.
        """
        try:
            found = self._read()
        except (HostError, UncountableError) as error:
            self._complain(str(error))
            return None
        self._complained = False
        return found

    def _read(self) -> Attempts | None:
        before = self._position
        # One byte more: the line feed before what is new shows that it is the same text still.
        asked = max(before.offset - 1, 0) if before else 0
        tail = self.host.tail(self.path, asked)
        if tail is None:
            self._position = None
            raise UncountableError(f"{self.path} is not there")
        whole = tail.size - asked <= MOST_TAILED
        # Half a line is read with its other half.
        end = tail.content.rfind(b"\n") + 1
        known = whole and (end > 0 or asked == 0)
        self._position = _Position(tail.file, asked + end if known else tail.size)
        if before is None:
            return None
        if not whole and before.file == tail.file:
            raise UncountableError(f"{self.path} grew by {tail.size - asked:,} bytes at once")
        if not _goes_on(before, tail):
            _log.info("%s was rotated or truncated: some attempts are not counted", self.path)
            return None
        return counted(tail.content[before.offset - asked : end])

    def _complain(self, why: str) -> None:
        """Say so once, until it has succeeded again."""
        if not self._complained:
            _log.warning("attempts are not counted: %s", why)
        self._complained = True


def _goes_on(before: _Position, tail: Tail) -> bool:
    """Tell whether what was read until now still stands before what was read this time."""
    # A file that was cut has nothing there, or something else.
    there = before.offset == 0 or tail.content.startswith(b"\n")
    return there and tail.file == before.file


def counted(lines: bytes) -> Attempts:
    """Add whole lines up.

    Raises:
        UncountableError: a line is not of this log, or an attempt was of neither version.
    """
    made, failed = Counter[str](), Counter[str]()
    # The same few lines come again and again.
    for line, times in Counter(lines.splitlines()).items():
        found = _LINE.fullmatch(line)
        if found is None:
            raise UncountableError(f"{line[:_SHOWN]!r} is no line of the log of attempts")
        stands_for = times * int(found[1])
        # More statuses than letters: NGINX's configuration tells the first few attempts apart.
        for letter, status in zip(found[2].decode(), _STATUS.findall(found[3]), strict=False):
            made[letter] += stands_for
            if status in _FAILED:
                failed[letter] += stands_for
    if made["?"]:
        raise UncountableError(f"{made['?']} went to addresses of neither version")
    return Attempts(made["c"], failed["c"], made["s"], failed["s"])
