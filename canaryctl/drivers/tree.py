"""Files below one folder, read so that nothing outside it is taken for something inside.

A file behind a symbolic link is another one tomorrow, and may be anybody's: what is hashed here
is reached without following any. A named pipe never makes a reader wait.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from canaryctl.core.manifest import OUTSIDE, fault
from canaryctl.ports import Clock

MOST_FILES = 10_000
"""Files that one pattern may match."""
STAGED = ".canaryctl-new"
"""The end of the names of files that are not put in place yet."""
_PIECE = 2**20


class FileProblem(Exception):
    """A file cannot be used; the text says why and follows on its name.

    Attributes:
        mend: what to do next, where that is no matter of who asks; else empty.
    """

    def __init__(self, text: str, mend: str = "") -> None:
        super().__init__(text)
        self.mend = mend


class AbsentError(FileProblem):
    """There is no such file."""


class TooSlowError(FileProblem):
    """Reading a file takes longer than there is time for."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A file's size in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder and all below it.

    Attributes:
        root: the folder.
    """

    root: Path

    def size(self, path: str) -> int:
        """Give a file's bytes without reading them.

        Raises:
            FileProblem: there is no such regular file.
        """
        descriptor = self._open(path)
        try:
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def head(self, path: str, length: int) -> bytes:
        """Give a file's beginning.

        Raises:
            FileProblem: it cannot be read.
        """
        try:
            with os.fdopen(self._open(path), "rb") as file:
                return file.read(length)
        except OSError as error:
            raise _unreadable(error) from error

    def text(self, path: str, largest: int) -> str:
        """Read a file of at most ``largest`` bytes of UTF-8.

        Raises:
            FileProblem: it cannot be read, is larger, or is not UTF-8.
        """
        raw = self.head(path, largest + 1)
        if len(raw) > largest:
            raise FileProblem(f"is larger than {largest / 2**20:g} MiB")
        return decoded(raw)

    def digest(self, path: str, clock: Clock, until: float) -> Digest:
        """Hash a file.

        Args:
            path: relative to the root.
            clock: tells when it takes too long.
            until: epoch seconds; later, it is given up.

        Raises:
            FileProblem: it cannot be read, or changes meanwhile.
            TooSlowError: it takes too long.
        """
        found, read = hashlib.sha256(), 0
        try:
            with os.fdopen(self._open(path), "rb") as file:
                before = os.fstat(file.fileno())
                while piece := file.read(_PIECE):
                    found.update(piece)
                    read += len(piece)
                    if clock.now() > until:
                        raise TooSlowError("takes too long to read")
                after = os.fstat(file.fileno())
        except OSError as error:
            raise _unreadable(error) from error
        if read != after.st_size or before.st_mtime_ns != after.st_mtime_ns:
            raise FileProblem("changes while it is read")
        return Digest(read, found.hexdigest())

    def matched(self, pattern: str) -> tuple[str, ...]:
        """Give what a pattern such as ``models/*.pt`` matches and is no folder, sorted.

        ``**`` at its end is every file below. What git keeps in ``.git``, and what canaryctl writes
        before it is put in place, belongs to nobody's files.

        Raises:
            FileProblem: the folder cannot be read, or more than ``MOST_FILES`` match.
        """
        # Python before 3.13 takes ** at the end for folders alone.
        whole = f"{pattern}/*" if PurePosixPath(pattern).name == "**" else pattern
        try:
            paths = (one.relative_to(self.root) for one in self.root.glob(whole))
            files = sorted(
                one.as_posix() for one in islice(filter(self._is_file, paths), MOST_FILES + 1)
            )
        except (OSError, ValueError, NotImplementedError, RecursionError) as error:
            raise _unreadable(error) from error
        if len(files) > MOST_FILES:
            raise FileProblem(f"matches more than {MOST_FILES} files")
        return tuple(files)

    def _is_file(self, path: Path) -> bool:
        if ".git" in path.parts or path.name.endswith(STAGED):
            return False
        place = self.root / path
        return place.is_symlink() or not place.is_dir()

    def _open(self, path: str) -> int:
        """Open a regular file, walking from the root without following a link."""
        if why := fault(path):
            if why == OUTSIDE:
                raise FileProblem("is a path that leaves the folder of canary.yaml")
            raise FileProblem(why, "rename it, or have no pattern match it")
        *folders, name = PurePosixPath(path).parts
        with contextlib.ExitStack() as opened:
            try:
                here = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
                opened.callback(os.close, here)
                for folder in folders:
                    _no_link(folder, here)
                    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                    here = os.open(folder, flags, dir_fd=here)
                    opened.callback(os.close, here)
                _no_link(name, here)
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                found = os.open(name, flags, dir_fd=here)
            except (OSError, ValueError) as error:
                raise _unreadable(error) from error
        mode = os.fstat(found).st_mode
        if not stat.S_ISREG(mode):
            os.close(found)
            raise FileProblem("is a folder" if stat.S_ISDIR(mode) else "is not a regular file")
        return found


def decoded(raw: bytes) -> str:
    """Read bytes as UTF-8, with or without a mark at the beginning.

    Raises:
        FileProblem: they are something else.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileProblem("is not UTF-8 text") from None


def _no_link(name: str, here: int) -> None:
    if stat.S_ISLNK(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode):
        raise FileProblem(f"is reached through a symbolic link ({name})")


def _unreadable(error: Exception) -> FileProblem:
    if isinstance(error, FileNotFoundError):
        return AbsentError("is not there")
    if isinstance(error, NotADirectoryError):
        return AbsentError("is not there: a part of its path is no folder")
    return FileProblem(f"cannot be read: {getattr(error, 'strerror', None) or error}")
