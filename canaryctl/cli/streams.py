"""stdout and stderr of this process: closed, full or unread, they end no verb.

What a verb does to traffic comes before what it says. So nothing is raised where it is said:
the first failure is kept, and ``ending`` tells it once the verb has ended.
"""

from __future__ import annotations

import errno
import io
import os
import sys


def install() -> None:
    """Stand between this process and its two streams, from the start of ``main`` on."""
    sys.stdout = _sparing(sys.stdout, 1)
    sys.stderr = _sparing(sys.stderr, 2)


def lost() -> OSError | None:
    """Say why something that was written to stdout did not arrive; None: all did."""
    return _kept[1].lost if 1 in _kept else None


def end_if_lost() -> None:
    """End a verb that takes long and only shows, where nobody can read it any more."""
    if lost() is not None:
        raise SystemExit(0)  # the exit code is `ending`'s to say


class Sparing(io.BufferedIOBase):
    """Writes as long as that works, then to nowhere.

    Attributes:
        lost: the first failure.
    """

    def __init__(self, stream: io.TextIOWrapper | None, descriptor: int) -> None:
        self.lost: OSError | None = None
        self._stream = stream
        self._descriptor = descriptor
        self.name = getattr(stream, "name", "")

    def write(self, data: object) -> int:
        """Write, or have nothing of it."""
        raw = bytes(data)  # type: ignore[call-overload]
        if self._stream is None:
            self._lose(OSError(errno.EBADF, os.strerror(errno.EBADF)))
            return len(raw)
        try:
            self._stream.buffer.write(raw)
        except (OSError, ValueError) as error:
            self._lose(error)
        return len(raw)

    def flush(self) -> None:
        """Write out what is left."""
        try:
            if self._stream is not None:
                self._stream.buffer.flush()
        except (OSError, ValueError) as error:
            self._lose(error)

    def writable(self) -> bool:
        """It is there for nothing else."""
        return True

    def fileno(self) -> int:
        """The stream's own."""
        return self._descriptor if self._stream is None else self._stream.fileno()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def close(self) -> None:
        """Leave the stream open: it belongs to the interpreter."""

    def _lose(self, error: OSError | ValueError) -> None:
        told = error if isinstance(error, OSError) else OSError(errno.EBADF, str(error))
        self.lost = self.lost or told
        if self._stream is None or isinstance(error, BlockingIOError):
            return  # the pipe of somebody who still reads is full: only this is lost
        from canaryctl.listeners.outlet import abandon

        abandon(self._stream)  # from here on it goes nowhere, at the interpreter's exit too


_kept: dict[int, Sparing] = {}


def _sparing(stream: io.TextIOBase | object, descriptor: int) -> io.TextIOWrapper:
    if stream is None:
        _fill(descriptor)
        kept = _kept[descriptor] = Sparing(None, descriptor)
        return io.TextIOWrapper(kept, encoding="utf-8", errors="backslashreplace")
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # type: ignore[return-value]  # a test's own
    kept = _kept[descriptor] = Sparing(stream, descriptor)
    return io.TextIOWrapper(
        kept,
        encoding=stream.encoding,
        # A terminal that cannot show a sign may not end a rollback.
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _fill(descriptor: int) -> None:
    """Let a closed stream lead nowhere, before the next file that is opened gets its number.

    What a child process says would stand in that file.
    """
    try:
        os.fstat(descriptor)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if nowhere != descriptor:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
        os.set_inheritable(descriptor, True)
