"""Files of this machine, changed so that the change outlives a loss of power."""

from __future__ import annotations

import os
from pathlib import Path

from canaryctl.ports import Sweep

_READABLE_BY_WORKERS = 0o644


def write(path: str, content: str) -> None:
    """Write a file as a whole, through to the disk. Not atomic."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _READABLE_BY_WORKERS)
    with os.fdopen(descriptor, "wb") as file:
        # The mode above is narrowed by the umask, and ignored for a file that was there.
        os.fchmod(descriptor, _READABLE_BY_WORKERS)
        file.write(content.encode())
        file.flush()
        os.fsync(descriptor)


def sweep(step: Sweep) -> None:
    """See ``Sweep``."""
    stem = Path(step.stem)
    for path in stem.parent.iterdir():
        named = path.name.startswith(stem.name) and path.name.endswith(step.ending)
        if named and str(path) != step.keep:
            path.unlink(missing_ok=True)


def swap(staged: str, live: str) -> None:
    """Rename, atomically, through to the disk."""
    Path(staged).replace(live)
    # The rename itself lives in the directory: without this it can be lost with the power.
    directory = os.open(Path(live).parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
