"""Full and read-only disks, a corrupt journal. Each folder is a small file system of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

from tests.chaos.faults.base import Cell, Fault

_BLOCK = 4096


def mounted(folder: Path, size: str) -> None:
    """Mount an empty file system of this size there; only in this mount namespace."""
    folder.mkdir(exist_ok=True)
    argv = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "chaos", str(folder)]
    subprocess.run(argv, check=True, capture_output=True, timeout=10)


def _filler(folder: Path) -> Path:
    return folder / ".filler"


def _fill(folder: Path) -> None:
    """Write until there is no room for one byte."""
    descriptor = os.open(_filler(folder), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with contextlib.suppress(OSError):
        while True:
            os.write(descriptor, b"\0" * _BLOCK)
    os.close(descriptor)


def _full(name: str) -> Fault:
    def strike(cell: Cell) -> None:
        _fill(cell.world.site.base / name)

    def heal(cell: Cell) -> None:
        _filler(cell.world.site.base / name).unlink(missing_ok=True)

    said = "conf.d" if name == "conf.d" else "journal"
    return Fault(f"disk full: {said}", strike, heal, lasts=2.5, mounts=True)


def _read_only(cell: Cell) -> None:
    """Root writes where no permission allows it, but not on a read-only file system.

    A file system with a file open for writing does not become read-only; a folder within does.
    """
    state = str(cell.world.site.state)
    subprocess.run(["mount", "--bind", state, state], check=True, capture_output=True, timeout=10)
    argv = ["mount", "-o", "remount,ro,bind", state]
    subprocess.run(argv, check=True, capture_output=True, timeout=10)
    cell.notes["mounted"] = True


def _writable(cell: Cell) -> None:
    if not cell.notes.pop("mounted", False):
        return  # one unmount takes this one away, the next one what is below it
    argv = ["umount", "--lazy", str(cell.world.site.state)]
    subprocess.run(argv, check=True, capture_output=True, timeout=10)


def _corrupt(cell: Cell) -> None:
    """Overwrite the journal and what belongs to it."""
    for path in cell.world.site.state.glob("journal.db*"):
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.write(cell.rng.randbytes(size))


def _fresh(cell: Cell) -> None:
    for path in cell.world.site.state.glob("journal.db*"):
        path.unlink()


FAULTS = (
    _full("conf.d"),
    _full("state"),
    Fault("state read-only", _read_only, _writable, lasts=2.5, mounts=True),
    Fault("journal corrupt", _corrupt, _fresh, lasts=30.0),
)
