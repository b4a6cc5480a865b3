"""A text stream that is written to a line at a time, and may go away."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import IO, TextIO

from canaryctl.listeners.line import in_ascii


@dataclass(slots=True)
class Outlet:
    """Writes whole lines and flushes each.

    Whoever reads may stop (``| head``, a closed terminal): nothing is raised, nothing more is
    written, and the rollout goes on, because traffic matters more than its log.

    Attributes:
        stream: where to.
        gone: nobody reads any more.
    """

    stream: TextIO
    gone: bool = False

    def write(self, text: str) -> None:
        """Write one line, or several separated by line feeds."""
        if self.gone:
            return
        try:
            self.stream.write(self._encodable(text) + "\n")
            self.stream.flush()
        except BlockingIOError:
            return  # a full pipe of somebody who still reads: this line is lost, not the log
        except (OSError, ValueError):
            self.gone = True
            abandon(self.stream)

    def _encodable(self, text: str) -> str:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        try:
            text.encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return in_ascii(text)
        return text


def abandon(stream: IO[str]) -> None:
    """Let what a broken stream still buffers go nowhere.

    Python flushes at exit, and where that fails the process ends with 120 in place of the
    rollout's own exit code.
    """
    try:
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except (OSError, ValueError):
        return
    try:
        os.dup2(nowhere, descriptor)
    finally:
        os.close(nowhere)
