"""What is here: NGINX in containers or on this machine, Compose services, Prometheus."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from canaryctl.cli.init_compose import Service, compose_services
from canaryctl.cli.init_nginx import Configuration, read_dump

if TYPE_CHECKING:
    import docker

CONTROL = 9180
"""The port of NGINX's control listener, unless another one is chosen."""
_FOR_CLIENTS = (80, 443, 8080, 8443)
_NAMES = ("nginx", "nginx-debug", "openresty", "angie")
_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_MOST_CONTAINERS = 100
_TIMEOUT = 5
_LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Published:
    """A container's port on this machine."""

    container: int
    here: int
    address: str

    def __str__(self) -> str:
        return f"{self.address}:{self.here} -> {self.container}"


@dataclass(frozen=True, slots=True)
class Nginx:
    """An NGINX that was found.

    Attributes:
        driver: ``docker`` or ``local``.
        name: the container's name, or the binary's path.
        image: the container's; empty for a local one.
        project: Compose project and
        service: service, empty where it has none.
        ports: what it publishes.
        host_network: whether its loopback is this machine's.
        configuration: what ``nginx -T`` shows.
        mounts: folder in the container → whether it can be written.
        problem: why its configuration could not be read; empty when it was.
    """

    driver: str
    name: str
    image: str = ""
    project: str = ""
    service: str = ""
    ports: tuple[Published, ...] = ()
    host_network: bool = False
    configuration: Configuration = field(default_factory=Configuration)
    mounts: tuple[tuple[str, bool], ...] = ()
    problem: str = ""

    @property
    def control(self) -> Published | None:
        """The published port that may serve as control listener; None when there is none."""
        for port in self.ports:
            if port.container == CONTROL:
                return port
        private = [port for port in self.ports if port.address in _LOOPBACK]
        return next((port for port in private if port.container not in _FOR_CLIENTS), None)

    def mounted(self, path: str) -> bool | None:
        """Tell whether a file would be on a volume that can be written; None: on no volume."""
        parents = [str(one) for one in PurePosixPath(path).parents]
        for folder in parents:
            if folder in dict(self.mounts):
                return dict(self.mounts)[folder]
        return None


@dataclass(frozen=True, slots=True)
class Found:
    """All that was found. The best NGINX comes first.

    Attributes:
        nginx: containers first, then this machine's.
        services: what the Compose files say.
        prometheus: its URL from here; empty when none was seen.
        notes: what could not be looked at, and why.
    """

    nginx: tuple[Nginx, ...] = ()
    services: tuple[Service, ...] = ()
    prometheus: str = ""
    notes: tuple[str, ...] = ()


def look_around(directory: Path, environment: Mapping[str, str]) -> Found:
    """Look at Docker, at this machine and at a directory. Changes nothing, never raises."""
    services, notes = compose_services(directory, environment)
    containers, seen, said = _in_docker()
    local = _local()
    # One that is prepared for canaryctl first, then one that only has to be given a file.
    seen.sort(key=lambda one: (not one.configuration.routed, not one.configuration.include))
    return Found(
        nginx=(*seen, *([local] if local else [])),
        services=services,
        prometheus=_prometheus(services, containers),
        notes=(*notes, *said),
    )


def _in_docker() -> tuple[list[Mapping[str, Any]], list[Nginx], list[str]]:
    """Give the running containers, those that are NGINX, and why there are none."""
    from canaryctl.core.errors import HostError
    from canaryctl.drivers.docker_connect import connect, engine_errors

    containers: list[Mapping[str, Any]] = []
    seen: list[Nginx] = []
    notes: list[str] = []
    try:
        client = connect(timeout=_TIMEOUT)
    except HostError as error:
        return [], [], [f"Docker was not looked at: {error}"]
    try:
        with engine_errors("cannot list containers"):
            listed = client.api.containers()[:_MOST_CONTAINERS]
        for one in listed:
            with engine_errors(f"cannot inspect container {one['Id'][:12]}"):
                containers.append(client.api.inspect_container(one["Id"]))
            nginx = _nginx_in(client, containers[-1])
            seen += [nginx] if nginx is not None else []
    except HostError as error:
        notes.append(f"not all containers were looked at: {error}")
    finally:
        client.close()
    return containers, seen, notes


def _nginx_in(client: docker.DockerClient, container: Mapping[str, Any]) -> Nginx | None:
    from canaryctl.core.errors import HostError
    from canaryctl.drivers.docker_container import name_of, nginx_command
    from canaryctl.drivers.docker_exec import run_in

    if not _runs_nginx(client, container):
        return None
    labels = container["Config"].get("Labels") or {}
    configuration, problem = Configuration(), ""
    try:
        command = nginx_command(container, None, None, None).line(("-T",))
        ended = run_in(client, container["Id"], name_of(container), command, _TIMEOUT)
        configuration = read_dump(ended.text)
        if not configuration.main:
            problem = ended.text.rpartition("\n")[2] or f"nginx -T ended with {ended.exit_code}"
    except HostError as error:
        problem = str(error)
    return Nginx(
        driver="docker",
        name=name_of(container),
        image=str(container["Config"].get("Image") or ""),
        project=labels.get(_PROJECT, ""),
        service=labels.get(_SERVICE, ""),
        ports=tuple(_published(container)),
        host_network=container["HostConfig"].get("NetworkMode") == "host",
        configuration=configuration,
        mounts=tuple((one["Destination"], one["RW"]) for one in container.get("Mounts") or ()),
        problem=problem,
    )


def _runs_nginx(client: docker.DockerClient, container: Mapping[str, Any]) -> bool:
    """Tell by its command; where a script starts it, by its processes."""
    command = [container["Path"], *container["Args"]]
    if any(PurePosixPath(word).name in _NAMES for word in command):
        return True
    image = str(container["Config"].get("Image") or "").rpartition("/")[2]
    if not any(name in image for name in _NAMES):
        return False
    from canaryctl.core.errors import HostError
    from canaryctl.drivers.docker_connect import engine_errors

    try:
        with engine_errors("cannot list processes"):
            rows = client.api.top(container["Id"])["Processes"] or []
    except HostError:
        return False
    return any("nginx: master process" in " ".join(row) for row in rows)


def _published(container: Mapping[str, Any]) -> list[Published]:
    found: dict[tuple[int, int], Published] = {}
    for port, here in sorted((container["NetworkSettings"].get("Ports") or {}).items()):
        number, _, protocol = port.partition("/")
        for one in here or ():
            if protocol == "tcp":
                seen = Published(int(number), int(one["HostPort"]), one["HostIp"])
                found.setdefault((seen.container, seen.here), seen)
    return list(found.values())


def _local() -> Nginx | None:
    binary = shutil.which("nginx")
    if binary is None:
        return None
    try:
        ended = subprocess.run(
            [binary, "-T"],
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Nginx("local", binary, problem=str(error))
    configuration = read_dump(ended.stdout.decode(errors="replace"))
    said = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    problem = "" if configuration.main else said or f"nginx -T ended with {ended.returncode}"
    return Nginx("local", binary, configuration=configuration, problem=problem)


def _prometheus(services: Sequence[Service], containers: Sequence[Mapping[str, Any]]) -> str:
    for container in containers:
        image = str(container["Config"].get("Image") or "").rpartition("/")[2].partition(":")[0]
        for port in _published(container):
            if image == "prometheus" and port.container == 9090:  # noqa: PLR2004  its own port
                return f"http://127.0.0.1:{port.here}"
    for service in services:
        if service.kind == "prometheus" and (here := service.published(9090)) is not None:
            return f"http://127.0.0.1:{here}"
    return ""
