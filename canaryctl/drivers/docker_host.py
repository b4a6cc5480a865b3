"""An NGINX in a container of a Docker Engine."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from canaryctl.core.errors import HostError
from canaryctl.core.moment import parse_moment
from canaryctl.drivers import docker_peers, docker_ports, reach
from canaryctl.drivers.docker_connect import connect, engine_errors
from canaryctl.drivers.docker_container import (
    find_container,
    find_service,
    name_of,
    nginx_command,
)
from canaryctl.drivers.docker_exec import COULD_NOT_START, Ended, run_in
from canaryctl.drivers.docker_script import MISSING_TOOL, MOMENT, compile_steps, completed
from canaryctl.drivers.docker_tail import ABSENT, parse_tail, tail_command
from canaryctl.drivers.docker_workers import docker_workers
from canaryctl.ports import MOST_TAILED, Glance, Located, Performed, Step, Swap, Tail, Worker

if TYPE_CHECKING:
    import docker

_CAT = f'[ -e "$1" ] || exit {ABSENT}; exec cat -- "$1"'
_GLANCE = f'cat {MOMENT} && printf "\\0" && {{ [ -e "$1" ] || exit {ABSENT}; }} && exec cat -- "$1"'
_MOST_SAID = 300  # characters of output in a message
_LOCAL_ENGINE = "http+docker://localhost"  # how the SDK names an engine behind a Unix socket


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
        raw = self._bytes(self._inspect(), path)
        try:
            return None if raw is None else raw.decode()
        except UnicodeDecodeError as error:
            raise HostError(f"{path} in {self.describe()} is not UTF-8 text: {error}") from error

    def glance(self, path: str) -> Glance:
        """Give a file's text and the container's present moment, from one exec.

        Raises:
            HostError: no engine, no such container, no ``sh`` or ``cat`` in it, or it is not
                UTF-8 text.
        """
        found = self._inspect()
        ended = self._run(found, ["sh", "-c", _GLANCE, "canaryctl", path])
        head, _, rest = ended.output.partition(b"\0")
        now = parse_moment(head.decode(errors="replace"))
        if ended.exit_code not in (0, ABSENT) or now is None:
            said = ended.text[:_MOST_SAID] or f"it ended with {ended.exit_code}"
            raise HostError(f"cannot read {path} in container {name_of(found)!r}: {said}")
        try:
            return Glance(None if ended.exit_code == ABSENT else rest.decode(), now)
        except UnicodeDecodeError as error:
            raise HostError(f"{path} in {self.describe()} is not UTF-8 text: {error}") from error

    def tail(self, path: str, offset: int) -> Tail | None:
        """Give what a file has from ``offset`` on, None when there is none.

        Raises:
            HostError: no engine, no such container, no ``stat``, ``tail`` or ``head`` in it, or
                it cannot be read.
        """
        found = self._inspect()
        ended = self._run(found, tail_command(path, offset, MOST_TAILED))
        if ended.exit_code == ABSENT:
            return None
        if ended.exit_code == MISSING_TOOL:
            raise _missing(found, ended.text, "sh, stat, tail and head to count attempts")
        tail = parse_tail(ended.output, offset) if ended.exit_code == 0 else None
        if tail is None:
            said = ended.text[:_MOST_SAID] or f"it ended with {ended.exit_code}"
            raise HostError(f"cannot read {path} in container {name_of(found)!r}: {said}")
        # The container is part of it: in a recreated one the numbers may be the same.
        return replace(tail, file=f"{found['Id']} {tail.file}")

    def perform(self, steps: Sequence[Step]) -> Performed:
        """Do the steps in order, in one exec, and stop at the first that fails.

        Once begun it goes on in the container to its end, even when this process is killed.

        Raises:
            HostError: no engine, no such container, no ``sh``, ``mv`` or ``rm`` in it, or no
                answer in time; in the last case nothing is known about what was done.
        """
        found = self._inspect()
        script = compile_steps(steps, nginx_command(found, self.binary, self.prefix, self.main))
        ended = self._run(found, script.command)
        if ended.exit_code == MISSING_TOOL:
            raise _missing(found, ended.text)
        done = completed(ended.exit_code, steps)
        if done is None:
            raise HostError(
                f"the change in container {name_of(found)!r} ended with {ended.exit_code}: "
                f"{ended.text or 'nothing was printed'}",
                next_step=f"Look at its state: docker ps -a; docker logs {name_of(found)}",
            )
        return Performed(done, ended.text + _hint(found, steps, done))

    def locate(self, address: str) -> Located:
        """Look up ``host:port`` as NGINX in that container would, and try to connect.

        The attempt is made from here, where containers are not always in reach: silence is
        "cannot be told", only a refusal is a no.
        """
        wanted = reach.parse_address(address)
        found = self._inspect()
        if wanted.literal:
            ips: dict[str, str] | None = {wanted.host: ""}
        else:
            ips = self._resolve(found, wanted.host)
        if ips is None:
            return Located((), None, f"{name_of(found)} has no getent to look up {wanted.host}")
        if not ips:
            return Located((), False, self._unknown(found, wanted.host))
        peers = tuple(reach.peer(ip, wanted.port) for ip in ips)
        if why := self._out_of_reach(found, wanted):
            return Located(peers, None, why)
        answers = reach.knock_all(list(ips), wanted.port, self.connect_timeout)
        return Located(peers, _verdict(answers), _told(answers, ips, wanted.port))

    def workers(self) -> tuple[Worker, ...]:
        """Give the worker processes of this NGINX, the youngest first.

        Raises:
            HostError: no engine, no such container, no ``sh`` in it, or no master of NGINX.
        """
        found = self._inspect()
        nginx = nginx_command(found, self.binary, self.prefix, self.main)
        return docker_workers(
            lambda command, user: self._run(found, command, user).text, nginx, self.describe()
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

    def _run(self, found: Mapping[str, Any], command: list[str], user: str = "") -> Ended:
        ended = run_in(self._client, found["Id"], name_of(found), command, self.timeout, user)
        if command[0] == "sh" and ended.exit_code in COULD_NOT_START:
            raise _missing(found, "sh")
        return ended

    def _bytes(self, found: Mapping[str, Any], path: str) -> bytes | None:
        import docker  # noqa: PLC0415

        if _on_tmpfs(found, path):  # which the engine's file transfer does not see
            return self._cat(found, path)
        with engine_errors(f"cannot read {path} in container {name_of(found)!r}"):
            try:
                stream, _stat = self._client.api.get_archive(found["Id"], path)
            except docker.errors.NotFound:
                return None
            with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
                first = archive.next()
                file = archive.extractfile(first) if first and first.isreg() else None
                if file is not None:
                    return file.read()
        return self._cat(found, path)  # a link: its target may be anywhere

    def _cat(self, found: Mapping[str, Any], path: str) -> bytes | None:
        ended = self._run(found, ["sh", "-c", _CAT, "canaryctl", path])
        if ended.exit_code == ABSENT:
            return None
        if ended.exit_code != 0:
            raise HostError(f"cannot read {path} in container {name_of(found)!r}: {ended.text}")
        return ended.output

    def _resolve(self, found: Mapping[str, Any], name: str) -> dict[str, str] | None:
        """Give addresses and whose they are; None when the container cannot be asked."""
        with engine_errors(f"cannot look up {name!r} among the containers"):
            if not docker_peers.in_hosts_file(found, name):
                networks = docker_peers.networks_of(self._client, found)
                if peers := docker_peers.peers_named(self._client, networks, name):
                    return peers
        ended = self._run(found, ["getent", "ahostsv4", name])
        if ended.exit_code in COULD_NOT_START:
            return None
        words = [line.split() for line in ended.text.splitlines()]
        return {line[0]: "" for line in words if line and reach.is_ip(line[0])}

    def _unknown(self, found: Mapping[str, Any], name: str) -> str:
        networks = ", ".join(docker_peers.networks_of(self._client, found)) or "none"
        return (
            f"{name} is no running container on the networks of {name_of(found)} ({networks}), "
            "and no other name known there"
        )

    def _out_of_reach(self, found: Mapping[str, Any], wanted: reach.Address) -> str:
        """Say why an attempt from here would prove nothing; empty when it would."""
        if wanted.loopback and not docker_peers.on_host_network(found):
            return (
                f"{wanted.host} is the inside of {name_of(found)}, which cannot be told from here"
            )
        if self._client.api.base_url != _LOCAL_ENGINE:
            return "the engine is on another machine: whether it answers cannot be told from here"
        return ""


def _missing(found: Mapping[str, Any], tool: str, needs: str = "sh, mv and rm") -> HostError:
    return HostError(
        f"container {name_of(found)!r} has no {tool!r}",
        next_step=f"NGINX's image needs {needs}: use one that has them, such as nginx:alpine.",
    )


def _on_tmpfs(found: Mapping[str, Any], path: str) -> bool:
    mounts = [m["Destination"] for m in found["Mounts"] if m["Type"] == "tmpfs"]
    mounts += found["HostConfig"].get("Tmpfs") or {}
    return any(PurePosixPath(path).is_relative_to(mount) for mount in mounts)


def _hint(found: Mapping[str, Any], steps: Sequence[Step], done: int) -> str:
    failed = steps[done] if done < len(steps) else None
    if isinstance(failed, Swap) and any(m["Destination"] == failed.live for m in found["Mounts"]):
        return f"\n{failed.live} is a mount of its own: mount its directory, not the one file"
    return ""


def _verdict(answers: Mapping[str, reach.Answer]) -> bool | None:
    if reach.Answer.ACCEPTED in answers.values():
        return True
    return None if reach.Answer.SILENT in answers.values() else False


def _told(answers: Mapping[str, reach.Answer], names: Mapping[str, str], port: int) -> str:
    said: list[str] = []
    for ip, name in names.items():
        at = reach.peer(ip, port)
        said.append(f"{name} ({at}) {answers[at]}" if name else f"{at} {answers[at]}")
    return ", ".join(said)
