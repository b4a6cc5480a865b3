"""A report's files: whole or not there, and for their owner alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from errno import EISDIR
from pathlib import Path

from canaryctl.core.errors import ConfigError


def write(texts: Mapping[Path, str]) -> dict[Path, int]:
    """Write files in place of what may be there, all or none, and give their sizes in bytes.

    Raises:
        ConfigError: one cannot be written.
    """
    sizes = {}
    with ExitStack() as left:
        for path, text in texts.items():
            with _named(path):
                sizes[path] = _staged(path, text, left)
        for path in texts:
            with _named(path):
                _beside(path).replace(path)
    return sizes


def _staged(path: Path, text: str, left: ExitStack) -> int:
    # Found out here: once it is its turn to be replaced, others are written already.
    if path.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
    data, beside = text.encode("utf-8", "backslashreplace"), _beside(path)
    left.callback(_removed, beside)
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(data)
    return len(data)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.new")


def _removed(path: Path) -> None:
    """Remove what was staged; what was written is not there any more."""
    with suppress(OSError):
        path.unlink()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
