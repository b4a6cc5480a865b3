"""Calling Docker Compose: the plugin of `docker`, else the program `docker-compose`."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from canaryctl.core.errors import HostError

_PROBE_S = 20.0
LAST_LINES = 4
"""Of what a run of Compose said, in a message."""


def compose_command() -> tuple[str, ...]:
    """Find Compose, in either of the two shapes it comes in.

    Raises:
        HostError: neither is installed.
    """
    for command in (("docker", "compose"), ("docker-compose",)):
        if shutil.which(command[0]) is None:
            continue
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            asked = subprocess.run(
                [*command, "version"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_S,
                check=False,
            )
            if asked.returncode == 0:
                return command
    raise HostError(
        "Docker Compose is not installed: neither `docker compose` nor `docker-compose` runs",
        next_step="install Docker's Compose plugin, or apt-get install docker-compose",
    )


@dataclass(frozen=True, slots=True)
class ComposeProject:
    """One project, as Compose is told about it.

    Attributes:
        command: what ``compose_command`` gave.
        name: of the project; names containers, networks, volumes and built images.
        files: the Compose files, in the order in which they add up.
        env_file: for what their ``${NAME}`` stand for; None, or not there: Compose's own choice.
        profiles: those whose services count too.
    """

    command: tuple[str, ...]
    name: str
    files: tuple[Path, ...]
    env_file: Path | None = None
    profiles: tuple[str, ...] = field(default=())

    def argv(self, *arguments: str) -> list[str]:
        """Give the argument list of one run."""
        argv = [*self.command, "--project-name", self.name]
        for file in self.files:
            argv += ["--file", str(file)]
        if self.env_file is not None and self.env_file.exists():
            argv += ["--env-file", str(self.env_file)]
        for profile in self.profiles:
            argv += ["--profile", profile]
        return [*argv, *arguments]

    def words(self, *arguments: str) -> str:
        """Name a run for a message."""
        return f"`{' '.join((*self.command, *arguments))}` of project {self.name}"


def last_lines(text: str) -> str:
    """Give the end of what Compose said, on one line."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return " · ".join(lines[-LAST_LINES:])
