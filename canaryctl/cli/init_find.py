"""What is here: NGINX in containers or on this machine, Compose services, Prometheus."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from canaryctl.cli.init_compose import Service, compose_services
from canaryctl.cli.init_near import PROJECT, SERVICE, Here, Nearness, directory_of
from canaryctl.cli.init_nginx import Configuration, read_dump
from canaryctl.cli.init_published import Inspected, Published, prometheus_url, published

if TYPE_CHECKING:
    import docker

CONTROL = 9180
"""The port of NGINX's control listener, unless another one is chosen."""
_FOR_CLIENTS = (80, 443, 8080, 8443)
_NAMES = ("nginx", "nginx-debug", "openresty", "angie")
_MOST_CONTAINERS = 100
_TIMEOUT = 5
_LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Nginx:
    """An NGINX that was found.

    Attributes:
        driver: ``docker`` or ``local``.
        name: the container's name, or the binary's path.
        image: the container's; empty for a local one.
        project: Compose project and
        service: service, empty where it has none.
        directory: the project's directory; empty where it is not known.
        nearness: whether it is the one meant in the directory that was looked at.
        command: how NGINX is called where it runs.
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
    directory: str = ""
    nearness: Nearness = Nearness.UNKNOWN
    command: tuple[str, ...] = ("nginx",)
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
    containers, seen, said = _in_docker(directory, services)
    prometheus, doubt = prometheus_url(services, containers)
    local = _local()
    # Where it belongs comes first: another project's gateway is not ours to turn, however well
    # it is prepared. Then one that routes by canaryctl, then one that only lacks a file.
    seen.sort(
        key=lambda one: (
            one.nearness,
            not one.configuration.routed,
            not one.configuration.include,
        )
    )
    return Found(
        nginx=(*seen, *([local] if local else [])),
        services=services,
        prometheus=prometheus,
        notes=(*notes, *said, *([doubt] if doubt else [])),
    )


def _in_docker(
    directory: Path, services: Sequence[Service]
) -> tuple[list[Inspected], list[Nginx], list[str]]:
    """Give the running containers, those that are NGINX, and why there are none."""
    from canaryctl.core.errors import HostError
    from canaryctl.drivers.docker_connect import connect, engine_errors

    containers: list[Inspected] = []
    seen: list[Nginx] = []
    notes: list[str] = []
    try:
        client = connect(timeout=_TIMEOUT)
    except HostError as error:
        return [], [], [f"Docker was not looked at: {error}"]
    try:
        with engine_errors("cannot list containers"):
            listed = client.api.containers()
        here = Here.of(directory, services, listed)
        listed.sort(key=lambda one: here.nearness(one.get("Labels") or {}))
        for one in listed[:_MOST_CONTAINERS]:
            inspected = _inspected(client, one["Id"])
            if inspected is not None:
                near = here.nearness(inspected["Config"].get("Labels") or {})
                containers.append((near, inspected))
                nginx = _nginx_in(client, inspected, here)
                seen += [nginx] if nginx is not None else []
    except HostError as error:
        notes.append(f"not all containers were looked at: {error}")
    finally:
        client.close()
    return containers, seen, notes


def _inspected(client: docker.DockerClient, id_: str) -> Mapping[str, Any] | None:
    """Inspect a container; None for one that has ended since it was listed."""
    from docker.errors import NotFound

    from canaryctl.drivers.docker_connect import engine_errors

    with engine_errors(f"cannot inspect container {id_[:12]}"):
        try:
            found: Mapping[str, Any] = client.api.inspect_container(id_)
        except NotFound:
            return None
    return found


def _nginx_in(
    client: docker.DockerClient, container: Mapping[str, Any], here: Here
) -> Nginx | None:
    from canaryctl.core.errors import HostError
    from canaryctl.drivers.docker_container import name_of, nginx_command
    from canaryctl.drivers.docker_exec import run_in

    if not _runs_nginx(client, container):
        return None
    labels = container["Config"].get("Labels") or {}
    configuration, problem = Configuration(), ""
    called = nginx_command(container, None, None, None)
    try:
        command = called.line(("-T",))
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
        project=labels.get(PROJECT, ""),
        service=labels.get(SERVICE, ""),
        directory=directory_of(labels),
        nearness=here.nearness(labels),
        command=tuple(called.line(())),
        ports=tuple(published(container)),
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
        return Nginx("local", binary, command=(binary,), problem=str(error))
    configuration = read_dump(ended.stdout.decode(errors="replace"))
    said = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    problem = "" if configuration.main else said or f"nginx -T ended with {ended.returncode}"
    return Nginx("local", binary, command=(binary,), configuration=configuration, problem=problem)
