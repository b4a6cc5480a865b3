"""A file of this machine, replaced as a whole: whoever is killed meanwhile leaves the old one."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path


def replaced(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put ``content`` in the place of a file: beside it, on disk, then one rename.

    The file keeps its mode and, where this user may give them, its owner and group. A link stays
    one: what it leads to is replaced.

    Args:
        path: of the file; its folder is there.
        content: all of it.
        mode: of a file that was not there before.

    Raises:
        OSError: it could not be written; the file is as it was.
    """
    there = path.resolve()
    try:
        found = there.stat()
    except FileNotFoundError:
        found = None
    staged = there.with_name(f".{there.name}.canaryctl-{os.getpid()}")
    opened = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(opened, "wb") as file:
            if found is not None:
                with contextlib.suppress(PermissionError):
                    os.fchown(file.fileno(), found.st_uid, found.st_gid)
            # After the owner: that takes special bits away.
            os.fchmod(file.fileno(), mode if found is None else stat.S_IMODE(found.st_mode))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(there)
    except BaseException:
        with contextlib.suppress(OSError):
            staged.unlink()
        raise
    _kept(there.parent)


def _kept(folder: Path) -> None:
    """Have the rename itself on disk, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
