"""What containers have logged since a moment, by Docker's own stamps: no clock of ours is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_connect import connect, engine_errors
from canaryctl.drivers.docker_container import find_container, find_service, name_of

if TYPE_CHECKING:
    import docker

_LARGEST = 32 * 2**20
"""Bytes read of one container's log."""


class DockerLogs:
    """The logs of some containers, one after the other.

    Args:
        containers: names or ids; or else
        project: a Compose project, and
        service: its service, the one running container of it.
        docker_host: as in ``docker_connect.connect``, and so are
        docker_context: and
        tls_dir: what follows.
    """

    def __init__(
        self,
        *,
        containers: Sequence[str] = (),
        project: str = "",
        service: str = "",
        docker_host: str | None = None,
        docker_context: str | None = None,
        tls_dir: str | None = None,
    ) -> None:
        self._containers = tuple(containers)
        self._project, self._service = project, service
        self._where = (docker_host, docker_context, tls_dir)
        self._ends: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def describe(self) -> str:
        """Name them."""
        if self._names:
            return f"container {', '.join(self._names.values())}"
        if self._containers:
            return f"container {', '.join(self._containers)}"
        return f"Compose service {self._project}/{self._service}"

    def begin(self) -> None:
        """Remember the newest line of each.

        Raises:
            HostError: no engine, no such container, or a log that cannot be read.
        """
        ends: dict[str, str] = {}
        for found in self._found():
            lines = self._read(found["Id"], tail=1)
            ends[found["Id"]] = lines[-1][0] if lines else ""
            self._names[found["Id"]] = name_of(found)
        self._ends = ends

    def lines(self) -> Sequence[str]:
        """Give what was logged since.

        Raises:
            HostError: as above, also when a container is gone.
        """
        return [
            text
            for container, end in self._ends.items()
            for stamp, text in self._read(container, since=end)
            if stamp > end
        ]

    def close(self) -> None:
        """Close the connection."""
        if "_client" in self.__dict__:
            self._client.close()
            del self.__dict__["_client"]

    def _found(self) -> list[Mapping[str, Any]]:
        if self._containers:
            return [find_container(self._client, one) for one in self._containers]
        try:
            return [find_service(self._client, self._project, self._service)]
        except HostError as error:
            running = f" {error.next_step}" if error.next_step.startswith("Running") else ""
            step = f"Name one: --container NAME.{running}"
            raise HostError(str(error), next_step=step) from error

    @cached_property
    def _client(self) -> docker.DockerClient:
        host, context, tls_dir = self._where
        return connect(host, context, tls_dir=tls_dir)

    def _read(
        self, container: str, *, since: str = "", tail: int | None = None
    ) -> list[tuple[str, str]]:
        """Give stamps and lines; Docker's stamps are of one length, so text compares them."""
        name = self._names.get(container, container[:12])
        with engine_errors(f"the log of container {name!r} cannot be read"):
            chunks = self._client.api.logs(
                container,
                stdout=True,
                stderr=True,
                timestamps=True,
                stream=True,
                follow=False,
                tail="all" if tail is None else tail,
                since=_seconds(since),
            )
            data = bytearray()
            for chunk in chunks:
                data += chunk
                if len(data) > _LARGEST:
                    raise HostError(f"the log of container {name!r} grew by more than 32 MiB")
        lines = data.decode("utf-8", "replace").split("\n")
        return [
            (stamp, text.rstrip("\r"))
            for stamp, _, text in (one.partition(" ") for one in lines)
            if stamp
        ]


def _seconds(stamp: str) -> int | None:
    """Give the whole second before a stamp such as 2026-01-02T03:04:05.678901234Z."""
    from datetime import UTC, datetime  # noqa: PLC0415

    if not stamp:
        return None
    try:
        at = datetime.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(at.timestamp())
