"""Log files on this machine, from where they ended when the run began."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from canaryctl.core.errors import HostError
from canaryctl.smoke.target import NotThereYetError

_LARGEST = 32 * 2**20
"""Bytes read of one file."""


class FileLogs:
    """The ends of some files."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)
        self._ends: dict[Path, tuple[int, int]] = {}

    def describe(self) -> str:
        """Name them."""
        return f"file {', '.join(map(str, self._files))}"

    def begin(self) -> None:
        """Remember how long each is. One that is not there yet may still come."""
        self._ends = {}
        for file in self._files:
            try:
                found = file.stat()
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                raise HostError(f"{file} cannot be read: {error}") from error
            _regular(file, found)
            self._ends[file] = (found.st_ino, found.st_size)

    def lines(self) -> Sequence[str]:
        """Give what was written since.

        Raises:
            HostError: a file cannot be read, or has grown by more than anybody reads;
                ``NotThereYetError`` where it is not there.
        """
        return [line for file in self._files for line in self._lines(file)]

    def _lines(self, file: Path) -> list[str]:
        try:
            # A pipe that nobody writes to would be waited for.
            with open(file, "rb", opener=_at_once) as stream:
                now = os.fstat(stream.fileno())
                _regular(file, now)
                inode, size = self._ends.get(file, (0, 0))
                # Another file, or a shorter one, was begun anew meanwhile: all of it is new.
                stream.seek(size if now.st_ino == inode and now.st_size >= size else 0)
                data = stream.read(_LARGEST + 1)
        except FileNotFoundError as error:
            raise NotThereYetError(f"{file} is not there") from error
        except (OSError, ValueError) as error:
            raise HostError(f"{file} cannot be read: {error}") from error
        if len(data) > _LARGEST:
            raise HostError(f"{file} grew by more than 32 MiB")
        return [line for line in data.decode("utf-8", "replace").split("\n") if line.strip()]


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _regular(file: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise HostError(f"{file} is no regular file", next_step="name the file of a log")
