"""What containers publish on this machine, and which of it is Prometheus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canaryctl.cli.init_compose import Service
from canaryctl.cli.init_near import PROJECT, Nearness

Inspected = tuple[Nearness, Mapping[str, Any]]
"""A container as the engine inspects it, and how near it is."""
_PROMETHEUS = 9090


@dataclass(frozen=True, slots=True)
class Published:
    """A container's port on this machine."""

    container: int
    here: int
    address: str

    def __str__(self) -> str:
        return f"{self.address}:{self.here} -> {self.container}"


def published(container: Mapping[str, Any]) -> list[Published]:
    """Give the TCP ports that a container publishes."""
    found: dict[tuple[int, int], Published] = {}
    for port, here in sorted((container["NetworkSettings"].get("Ports") or {}).items()):
        number, _, protocol = port.partition("/")
        for one in here or ():
            if protocol == "tcp":
                seen = Published(int(number), int(one["HostPort"]), one["HostIp"])
                found.setdefault((seen.container, seen.here), seen)
    return list(found.values())


def prometheus_url(services: Sequence[Service], containers: Sequence[Inspected]) -> tuple[str, str]:
    """Give Prometheus' URL, and a doubt about it; both empty where there is none.

    First this directory's own, running or declared; then another project's, which may be a
    shared one or may know nothing of this service.
    """
    running = sorted(
        ((near, here, one) for near, one in containers if (here := _serves(one))),
        key=lambda found: found[0],
    )
    if running and running[0][0] is Nearness.OWN:
        return f"http://127.0.0.1:{running[0][1]}", ""
    for service in services:
        if service.kind == "prometheus" and (here := service.published(_PROMETHEUS)) is not None:
            return f"http://127.0.0.1:{here}", ""
    for _, here, one in running:
        name = str(one["Name"]).lstrip("/")
        project = (one["Config"].get("Labels") or {}).get(PROJECT)
        whose = f"of another Compose project, {project}" if project else "of no Compose project"
        doubt = f"Prometheus is container {name} {whose}: make sure that it scrapes your service"
        return f"http://127.0.0.1:{here}", doubt
    return "", ""


def _serves(container: Mapping[str, Any]) -> int | None:
    """Give this machine's port of a Prometheus."""
    image = str(container["Config"].get("Image") or "").rpartition("/")[2].partition(":")[0]
    ports = published(container) if image == "prometheus" else []
    return next((one.here for one in ports if one.container == _PROMETHEUS), None)
