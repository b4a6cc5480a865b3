"""What a process that lives long, and a folder, take: memory, descriptors, files, bytes."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MEMORY = 4_000
"""kB that a process may have more than after it had warmed up."""
DESCRIPTORS = 3
FILES = 2


@dataclass(frozen=True)
class Growth:
    """At one moment.

    Attributes:
        done: rollouts so far.
        memory: resident, kB, by process.
        descriptors: open ones, by process.
        files: number, by folder.
        sizes: bytes, by folder.
    """

    done: int
    memory: Mapping[str, int]
    descriptors: Mapping[str, int]
    files: Mapping[str, int]
    sizes: Mapping[str, int]

    @classmethod
    def of(cls, done: int, pids: Mapping[str, int], places: Mapping[str, Path]) -> Growth:
        """Measure."""
        return cls(
            done,
            {name: _resident(pid) for name, pid in pids.items()},
            {name: len(list(Path(f"/proc/{pid}/fd").iterdir())) for name, pid in pids.items()},
            {name: sum(1 for _ in _below(path)) for name, path in places.items()},
            {name: sum(_size(one) for one in _below(path)) for name, path in places.items()},
        )

    def said(self) -> str:
        """Give it in a line."""
        processes = [
            f"{name} {self.memory[name] / 1000:.1f} MB, {self.descriptors[name]} descriptors"
            for name in self.memory
        ]
        folders = [
            f"{name} {self.files[name]} files, {self.sizes[name] / 1000:.0f} kB"
            for name in self.files
        ]
        return "; ".join([*processes, *folders])


def grown(first: Growth, last: Growth) -> Iterator[str]:
    """Say what has grown beyond what may."""
    for name in first.memory:
        if last.memory[name] > first.memory[name] + MEMORY:
            yield f"memory of {name}: {first.memory[name]} kB, then {last.memory[name]} kB"
        if last.descriptors[name] > first.descriptors[name] + DESCRIPTORS:
            was, now = first.descriptors[name], last.descriptors[name]
            yield f"descriptors of {name}: {was}, then {now}"
    for name in first.files:
        if last.files[name] > first.files[name] + FILES:
            yield f"files in {name}: {first.files[name]}, then {last.files[name]}"


def shutting_down(master: int) -> list[int]:
    """Give the workers of an NGINX that are about to end."""
    listed = Path(f"/proc/{master}/task/{master}/children")
    found = []
    with contextlib.suppress(OSError):
        for pid in map(int, listed.read_text().split()):
            with contextlib.suppress(OSError):
                if b"shutting down" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
    return found


def _resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) if found else 0


def _below(path: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (one for one in path.rglob("*") if one.is_file())


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
