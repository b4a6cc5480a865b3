"""How near a container is to a directory: whether its NGINX is the one meant there.

Several projects share an engine. Weights set at another project's gateway move somebody else's
traffic, so where a container belongs counts before how well it is prepared.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canaryctl.cli.init_compose import Service, choose_versions

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_DIRECTORY = "com.docker.compose.project.working_dir"
_FILES = "com.docker.compose.project.config_files"


class Nearness(enum.IntEnum):
    """Nearest first."""

    OWN = 0
    """Of the Compose project of this very directory."""
    SAME_SERVICE = 1
    """Of another Compose project, which runs a service of the name found here."""
    UNKNOWN = 2
    """Nothing says where it belongs: no Compose project started it, or it is no container."""
    FOREIGN = 3
    """Of another directory's Compose project."""


@dataclass(frozen=True, slots=True)
class Here:
    """What containers are compared with.

    Attributes:
        directory: its real path.
        stable: the name of the stable service that its Compose files declare; empty for none.
        running: Compose project → its services that run.
    """

    directory: str
    stable: str
    running: Mapping[str, frozenset[str]]

    @classmethod
    def of(
        cls, directory: Path, services: Sequence[Service], listed: Sequence[Mapping[str, Any]]
    ) -> Here:
        """Put together what is known; ``listed`` as the engine lists its containers."""
        running: dict[str, frozenset[str]] = {}
        for labels in (one.get("Labels") or {} for one in listed):
            project, service = labels.get(PROJECT), labels.get(SERVICE)
            if project and service:
                running[project] = running.get(project, frozenset()) | {service}
        stable, _ = choose_versions(services)
        return cls(os.path.realpath(directory), stable.name if stable else "", running)

    def nearness(self, labels: Mapping[str, str]) -> Nearness:
        """Tell from a container's labels."""
        directory = labels.get(_DIRECTORY, "")
        files = [Path(directory, one) for one in labels.get(_FILES, "").split(",") if one]
        # Paths without a root would be taken from where this process happens to be.
        folders = [Path(directory), *(file.parent for file in files)]
        if self.directory in [os.path.realpath(one) for one in folders if one.is_absolute()]:
            return Nearness.OWN
        if self.stable and self.stable in self.running.get(labels.get(PROJECT, ""), ()):
            return Nearness.SAME_SERVICE
        return Nearness.FOREIGN if directory else Nearness.UNKNOWN


def directory_of(labels: Mapping[str, str]) -> str:
    """Give the directory of a container's Compose project; empty when that is not known."""
    return labels.get(_DIRECTORY, "")
