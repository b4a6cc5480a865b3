"""Nothing leaves this process with a secret in it: stdout, stderr, logs and tracebacks."""

from __future__ import annotations

import io
import logging
import sys
import threading
import traceback
from types import TracebackType

from canaryctl.core.redaction import SECRETS


def install() -> None:
    """Stand between this process and its two streams, from the start of ``main`` on."""
    sys.stdout = _between(sys.stdout)
    sys.stderr = _between(sys.stderr)
    sys.excepthook = _uncaught
    threading.excepthook = lambda ended: _uncaught(
        ended.exc_type, ended.exc_value, ended.exc_traceback
    )
    if logging.lastResort is not None:
        logging.lastResort.addFilter(Redacting())


def traceback_of(error: BaseException) -> str:
    """Give an error's traceback: places and lines of code, no values of variables."""
    return SECRETS.hide("".join(traceback.format_exception(error)))


class Redacting(logging.Filter):
    """For a handler: its records lose their secrets, those of their tracebacks too."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, with its text final."""
        record.msg, record.args = SECRETS.hide(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = SECRETS.hide(record.exc_text)
        return True


def _uncaught(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    lines = traceback.format_exception(kind, error, trace)
    sys.stderr.write(SECRETS.hide("".join(lines)))
    sys.stderr.flush()


def _between(stream: io.TextIOBase | object) -> io.TextIOWrapper:
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # type: ignore[return-value]  # closed (None), or a test's own
    stream.flush()
    return io.TextIOWrapper(
        _Between(stream),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Between(io.BufferedIOBase):
    """Takes the bytes on their way: below the text layer, which click may put in place anew."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._to = stream.buffer
        self._encoding = stream.encoding
        self.name = getattr(stream, "name", "")

    def write(self, data: object) -> int:
        """Pass on what is written, without secrets."""
        raw = bytes(data)  # type: ignore[call-overload]
        text = raw.decode(self._encoding, "surrogateescape")
        hidden = SECRETS.hide(text)
        self._to.write(raw if hidden == text else hidden.encode(self._encoding, "surrogateescape"))
        return len(raw)

    def flush(self) -> None:
        """Write out what is left."""
        self._to.flush()

    def writable(self) -> bool:
        """It is there for nothing else."""
        return True

    def fileno(self) -> int:
        """The stream's own."""
        return self._to.fileno()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._to.isatty()

    def close(self) -> None:
        """Leave the stream open: it belongs to the interpreter."""
