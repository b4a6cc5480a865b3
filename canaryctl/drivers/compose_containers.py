"""The containers of Compose services: how they are, what they run, what they said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from canaryctl.core.redaction import SECRETS
from canaryctl.drivers.docker_connect import connect, engine_errors

if TYPE_CHECKING:
    import docker

_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_ONE_OFF = "com.docker.compose.oneoff"
_MOST_SAID = 300
_TIMEOUT = 20
"""Seconds for one request to the engine."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container, as the engine tells.

    Attributes:
        service: of Compose.
        image: as it was asked for, such as ``shop/app:v0.2.0``.
        image_id: what that was when the container was made.
        tagged: what ``image`` is now; None: no such image is there any more.
        labels: its own and its image's.
        status: created, running, restarting, exited, dead, paused or removing.
        exit_code: of its last end; 0 while it never ended.
        health: healthy, unhealthy or starting; empty: it has no health check.
        health_said: the end of what the last health check printed.
        killed: it had used up its memory (OOMKilled).
        restarts: how often the engine has started it anew by itself.
        error: why it could not be started.
        started: when it was started last, epoch seconds of the engine's clock; 0: never.
    """

    id: str
    name: str
    service: str
    image: str
    image_id: str
    tagged: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    status: str = "running"
    exit_code: int = 0
    health: str = ""
    health_said: str = ""
    killed: bool = False
    restarts: int = 0
    error: str = ""
    started: float = 0.0

    @property
    def ended(self) -> str:
        """How it ended, in words; empty while it runs or is about to."""
        if self.status not in ("exited", "dead", "restarting"):
            return ""
        more = ", out of memory" if self.killed else ""
        why = f" ({self.error})" if self.error else ""
        return f"{self.status} with exit code {self.exit_code}{more}{why}"


@dataclass(frozen=True)
class ComposeContainers:
    """Looks at the containers of one project.

    Attributes:
        project: its name.
        docker_host, docker_context, tls_dir: which engine, see ``docker_connect.connect``.
    """

    project: str
    docker_host: str | None = None
    docker_context: str | None = None
    tls_dir: str | None = None

    @cached_property
    def _client(self) -> docker.DockerClient:
        return connect(self.docker_host, self.docker_context, _TIMEOUT, self.tls_dir)

    def look(self, services: Sequence[str]) -> tuple[Container, ...]:
        """Give the containers of these services, also those that do not run, by name.

        Raises:
            HostError: the engine does not answer.
        """
        import docker  # noqa: PLC0415  190 ms

        found: list[Container] = []
        with engine_errors(f"cannot list the containers of Compose project {self.project}"):
            listed = self._client.api.containers(
                all=True, filters={"label": f"{_PROJECT}={self.project}"}
            )
            for one in listed:
                labels = one["Labels"]
                if labels.get(_SERVICE) not in services or labels.get(_ONE_OFF) == "True":
                    continue
                try:
                    found.append(self._told(self._client.api.inspect_container(one["Id"])))
                except docker.errors.NotFound:
                    continue  # removed since it was listed
        return tuple(sorted(found, key=lambda one: (services.index(one.service), one.name)))

    def logs(self, container: Container, since: float, most: int) -> bytes:
        """Give what a container has printed, both streams, each line after its time (RFC 3339).

        Args:
            container: also one that has ended.
            since: epoch seconds; what was printed before is left out.
            most: bytes; of more the end is given.

        Raises:
            HostError: the engine does not answer, or the container is gone.
        """
        kept = bytearray()
        with engine_errors(f"cannot read the log of container {container.name}"):
            stream = self._client.api.logs(
                container.id,
                stdout=True,
                stderr=True,
                timestamps=True,
                since=max(since, 0.001),  # 0 is refused, and means the same
                stream=True,
                follow=False,
            )
            for piece in stream:
                kept += piece
                if len(kept) > 2 * most:
                    del kept[:-most]
        return bytes(kept[-most:])

    def last_lines(self, container: Container, count: int = 3) -> str:
        """Give the last lines that a container has printed, on one line; empty: it cannot be read.

        Raises:
            HostError: the engine does not answer.
        """
        with engine_errors(f"cannot read the log of container {container.name}"):
            raw: bytes = self._client.api.logs(container.id, tail=count)
        # Masked before it is cut: a part of a secret is not recognised.
        lines = SECRETS.hide(raw.decode(errors="replace")).splitlines()
        return " · ".join(" ".join(line.split()) for line in lines if line.strip())[-_MOST_SAID:]

    def _told(self, found: Mapping[str, Any]) -> Container:
        state = found["State"]
        health = state.get("Health") or {}
        checks = health.get("Log") or []
        said = " ".join(SECRETS.hide(str(checks[-1].get("Output", ""))).split()) if checks else ""
        image = str(found["Config"]["Image"])
        return Container(
            id=str(found["Id"]),
            name=str(found["Name"]).lstrip("/"),
            service=str(found["Config"]["Labels"][_SERVICE]),
            image=image,
            image_id=str(found["Image"]),
            tagged=self._image(image),
            labels=found["Config"]["Labels"],
            status=str(state["Status"]),
            exit_code=int(state["ExitCode"]),
            health="" if health.get("Status") == "none" else str(health.get("Status", "")),
            health_said=said[-_MOST_SAID:],
            killed=bool(state.get("OOMKilled")),
            restarts=int(found.get("RestartCount", 0)),
            error=str(state.get("Error", "")),
            started=_epoch(str(state.get("StartedAt", ""))),
        )

    def _image(self, name: str) -> str | None:
        import docker  # noqa: PLC0415

        try:
            return str(self._client.images.get(name).id)
        except docker.errors.ImageNotFound:
            return None


def _epoch(moment: str) -> float:
    """Read an engine's RFC 3339 time, down to microseconds; 0 where it says that there is none."""
    whole, _, rest = moment.partition(".")
    try:
        read = datetime.fromisoformat(f"{whole.rstrip('Z')}.{rest.rstrip('Z')[:6]:0<6}+00:00")
    except ValueError:
        return 0.0
    return max(0.0, read.timestamp())
