"""An NGINX in a container of a Docker Engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from canaryctl.core.errors import HostError
from canaryctl.drivers import docker_ports, reach
from canaryctl.drivers.docker_connect import connect, engine_errors
from canaryctl.drivers.docker_container import (
    find_container,
    find_service,
    name_of,
    nginx_command,
)
from canaryctl.drivers.docker_files import glance_at, tail_of, text_of
from canaryctl.drivers.docker_inside import Inside
from canaryctl.drivers.docker_locate import located
from canaryctl.drivers.docker_script import MISSING_TOOL, compile_steps, completed
from canaryctl.drivers.docker_workers import docker_workers
from canaryctl.ports import Glance, Located, Performed, Step, Swap, Tail, Worker

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True)
class DockerHost:
    """NGINX in a container, which is looked up anew for every call: it may be recreated.

    Attributes:
        container: name, id, or unique start of an id; or None, and instead
        project: the Compose project and
        service: its service that NGINX is.
        binary: NGINX in the container; None takes what the container's own command calls.
        prefix: its ``-p``, None as above.
        main: its ``-c``, None as above.
        docker_host: URL of the engine, see ``docker_connect.connect``.
        docker_context: docker context of the engine, likewise.
        tls_dir: folder of the client's certificates, likewise.
        timeout: seconds for one request to the engine and for one silence of a command.
        connect_timeout: seconds for one connection in ``locate``.
    """

    container: str | None = None
    project: str | None = None
    service: str | None = None
    binary: str | None = None
    prefix: str | None = None
    main: str | None = None
    docker_host: str | None = None
    docker_context: str | None = None
    tls_dir: str | None = None
    timeout: int = 10
    connect_timeout: float = 1.0

    def __post_init__(self) -> None:
        if not self.container and not (self.project and self.service):
            raise ValueError(
                "a container is given by name or id, or by Compose project and service"
            )

    @cached_property
    def _client(self) -> docker.DockerClient:
        return connect(self.docker_host, self.docker_context, self.timeout, self.tls_dir)

    def close(self) -> None:
        """Give the connections to the engine back."""
        client = self.__dict__.pop("_client", None)
        if client is not None:
            client.close()

    def describe(self) -> str:
        """Name the place for messages."""
        return f"container {self.container or f'{self.project}/{self.service}'}"

    def identity(self) -> str:
        """Give what is the same for everybody who means this NGINX; a lock is named by it.

        It has the container's name, not its id: a recreated container is the same gateway.
        """
        name = name_of(self._inspect())
        with engine_errors("cannot ask the Docker Engine for its id"):
            return f"docker:{self._client.info()['ID']}:{name}"

    def read(self, path: str) -> str | None:
        """Give a file's text, None when there is none.

        Raises:
            HostError: no engine, no such container, or it is not UTF-8 text.
        """
        return text_of(self._inside(), path)

    def glance(self, path: str) -> Glance:
        """Give a file's text and the container's present moment, from one exec.

        Raises:
            HostError: no engine, no such container, no ``sh`` or ``cat`` in it, or it is not
                UTF-8 text.
        """
        return glance_at(self._inside(), path)

    def tail(self, path: str, offset: int) -> Tail | None:
        """Give what a file has from ``offset`` on, None when there is none.

        Raises:
            HostError: no engine, no such container, no ``stat``, ``tail`` or ``head`` in it, or
                it cannot be read.
        """
        return tail_of(self._inside(), path, offset)

    def perform(self, steps: Sequence[Step]) -> Performed:
        """Do the steps in order, in one exec, and stop at the first that fails.

        Once begun it goes on in the container to its end, even when this process is killed.

        Raises:
            HostError: no engine, no such container, no ``sh``, ``mv`` or ``rm`` in it, or no
                answer in time; in the last case nothing is known about what was done.
        """
        inside = self._inside()
        found, name = inside.found, inside.name
        script = compile_steps(steps, nginx_command(found, self.binary, self.prefix, self.main))
        ended = inside.run(script.command)
        if ended.exit_code == MISSING_TOOL:
            raise inside.lacks(ended.text)
        done = completed(ended.exit_code, steps)
        if done is None:
            raise HostError(
                f"the change in container {name!r} ended with {ended.exit_code}: "
                f"{ended.text or 'nothing was printed'}",
                next_step=f"Look at its state: docker ps -a; docker logs {name}",
            )
        return Performed(done, ended.text + _hint(found, steps, done))

    def locate(self, address: str) -> Located:
        """Look up ``host:port`` as NGINX in that container would, and try to connect."""
        return located(self._inside(), reach.parse_address(address), self.connect_timeout)

    def workers(self) -> tuple[Worker, ...]:
        """Give the worker processes of this NGINX, the youngest first.

        Raises:
            HostError: no engine, no such container, no ``sh`` in it, or no master of NGINX.
        """
        inside = self._inside()
        nginx = nginx_command(inside.found, self.binary, self.prefix, self.main)
        return docker_workers(
            lambda command, user: inside.run(command, user).text, nginx, self.describe()
        )

    def published(self, listen: str) -> tuple[str, ...]:
        """Give the machine's addresses beyond loopback at which a listener answers.

        Args:
            listen: as NGINX in the container listens, ``9180`` or ``address:9180``.
        """
        return docker_ports.published(self._inspect(), listen)

    def _inspect(self) -> Mapping[str, Any]:
        if self.container:
            return find_container(self._client, self.container)
        return find_service(self._client, str(self.project), str(self.service))

    def _inside(self) -> Inside:
        return Inside(self._client, self._inspect(), self.timeout)


def _hint(found: Mapping[str, Any], steps: Sequence[Step], done: int) -> str:
    failed = steps[done] if done < len(steps) else None
    if isinstance(failed, Swap) and any(m["Destination"] == failed.live for m in found["Mounts"]):
        return f"\n{failed.live} is a mount of its own: mount its directory, not the one file"
    return ""
