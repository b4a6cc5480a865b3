"""A report's file: whole or not there, and for its owner alone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from canaryctl.core.errors import ConfigError


def write(path: Path, text: str) -> int:
    """Write a file in place of what may be there, and give its size in bytes.

    Raises:
        ConfigError: it cannot be written.
    """
    data = text.encode("utf-8", "backslashreplace")
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(opened, "wb") as file:
                file.write(data)
            beside.replace(path)
        except OSError:
            with suppress(OSError):
                beside.unlink()
            raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    return len(data)
