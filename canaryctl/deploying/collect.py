"""The logs of a version that was thrown back, kept for whoever looks for the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from canaryctl.core.errors import HostError
from canaryctl.core.redaction import SECRETS, Secrets
from canaryctl.deploying.env_secrets import secrets_in
from canaryctl.deploying.log_summary import LogSummary, summed_up
from canaryctl.deploying.side import Side
from canaryctl.drivers.compose_containers import Container

MOST = 5_000_000
"""Bytes kept of one container's log: its end."""
TOP = 3
"""Groups of errors that are shown."""
SUMMARY = "summary.txt"
_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Collected:
    """What was kept.

    Attributes:
        folder: where.
        files: the logs in it, by name.
        lines: what to tell: how each container is, and its most frequent errors.
    """

    folder: Path
    files: tuple[str, ...]
    lines: tuple[str, ...]


def collect(side: Side, folder: Path, since: float) -> Collected:
    """Keep the logs of a side's containers, and a summary of their errors.

    Nothing secret is written: neither what the configuration holds, nor what the environment file
    calls a secret.

    Args:
        side: whose containers.
        folder: a new one; it is made, for its owner alone.
        since: epoch seconds; what was printed before is left out.

    Raises:
        HostError: the engine does not answer, or the folder cannot be written.
    """
    known = _secrets(side)
    files: list[str] = []
    lines: list[str] = []
    found = side.look()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for container in found:
            raw = side.containers.logs(container, _since(container, since), MOST).decode(
                errors="replace"
            )
            text = known.hide(SECRETS.hide(raw))
            name = f"{re.sub(r'[^A-Za-z0-9_.-]', '_', container.name)}.log"
            _write(folder / name, text)
            files.append(name)
            lines += _told(container, summed_up(text.splitlines()))
        if not found:
            lines.append(f"no container of {', '.join(side.services)} is there")
        _write(folder / SUMMARY, "\n".join(lines) + "\n")
    except OSError as error:
        said = f"the logs cannot be written to {folder}: {error.strerror or error}"
        raise HostError(said, next_step="see deploy.logs") from error
    return Collected(folder, tuple(files), tuple(lines))


def _since(container: Container, since: float) -> float:
    """Leave out what the same container printed in an earlier rollout, before it was stopped."""
    return since if container.restarts or not container.started else container.started


def _secrets(side: Side) -> Secrets:
    found = Secrets()
    found.know(secrets_in(side.env, side.variable))
    return found


def _told(container: Container, summary: LogSummary) -> Iterator[str]:
    state = container.ended or container.status
    facts = [
        f"{container.name} ({container.image}): {state}",
        f"health {container.health}" if container.health else "",
        "out of memory" if container.killed and not container.ended else "",
        f"{container.restarts} restarts" if container.restarts else "no restarts",
        f"{summary.lines} lines",
        f"{summary.errors} of them errors" if summary.errors else "no error among them",
    ]
    yield ", ".join(fact for fact in facts if fact)
    for group in summary.groups:
        yield f"  {group.count:>6} × {_cut(group.example)}"
        if group.count > 1:
            yield f"         from {group.first} to {group.last}"
        else:
            yield f"         at {group.first}"


def shown(collected: Collected) -> Sequence[str]:
    """Give what is told in the terminal: each container, and its most frequent errors."""
    lines: list[str] = []
    groups = 0
    for line in collected.lines:
        if not line.startswith(" "):
            groups = 0
            lines.append(line)
        elif "×" in line:
            groups += 1
            if groups <= TOP:
                lines.append(line)
    return lines


def _cut(text: str) -> str:
    one = " ".join(text.split())
    return one if len(one) <= _WIDTH else one[: _WIDTH - 1] + "…"


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8", errors="replace")
