"""Which container is meant, and how NGINX was started in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_connect import engine_errors
from canaryctl.drivers.docker_script import NginxCommand

if TYPE_CHECKING:
    import docker

_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
_ONE_OFF = "com.docker.compose.oneoff"
_NAMES_OF_NGINX = ("nginx", "nginx-debug", "openresty", "angie")
_PASSED_ON = ("-g", "-e")


def find_container(client: docker.DockerClient, wanted: str) -> Mapping[str, Any]:
    """Inspect a running container, given by name, id or unique start of an id.

    Raises:
        HostError: none such, several such, or it does not run; says which ones do.
    """
    import docker  # noqa: PLC0415

    with engine_errors(f"cannot inspect container {wanted!r}"):
        try:
            found: Mapping[str, Any] = client.api.inspect_container(wanted)
        except docker.errors.NotFound:
            raise HostError(
                f"there is no container {wanted!r}", next_step=_running(client)
            ) from None
        except docker.errors.APIError as error:
            if "multiple ids" not in str(error).lower():
                raise
            raise HostError(
                f"several containers' ids start with {wanted!r}", next_step=_running(client)
            ) from None
        if not found["State"]["Running"]:
            raise HostError(
                f"container {name_of(found)!r} is not running but {found['State']['Status']}",
                next_step=f"Start it: docker start {name_of(found)}. {_running(client)}",
            )
    return found


def find_service(client: docker.DockerClient, project: str, service: str) -> Mapping[str, Any]:
    """Inspect the one running container of a Compose service.

    Raises:
        HostError: it has none, or several.
    """
    with engine_errors(f"cannot list the containers of Compose service {project}/{service}"):
        labels = [f"{_PROJECT}={project}", f"{_SERVICE}={service}"]
        listed = client.api.containers(filters={"label": labels, "status": "running"})
        ids = [each["Id"] for each in listed if each["Labels"].get(_ONE_OFF, "False") == "False"]
        if not ids:
            raise HostError(
                f"Compose project {project!r} has no running container of service {service!r}",
                next_step=_running(client),
            )
        if len(ids) > 1:
            names = ", ".join(sorted(each["Names"][0].lstrip("/") for each in listed))
            raise HostError(
                f"Compose service {project}/{service} has {len(ids)} running containers: {names}",
                next_step="Name one of them as gateway.container.",
            )
    return find_container(client, ids[0])


def name_of(container: Mapping[str, Any]) -> str:
    """Give the name people use."""
    return str(container["Name"]).lstrip("/")


def nginx_command(
    container: Mapping[str, Any], binary: str | None, prefix: str | None, main: str | None
) -> NginxCommand:
    """Tell how to call NGINX: as configured, else as the container's own command does."""
    seen = _detected([container["Path"], *container["Args"]])
    return NginxCommand(
        binary=binary or seen.binary,
        prefix=prefix if prefix is not None else seen.prefix,
        main=main if main is not None else seen.main,
        more=seen.more,
    )


def _detected(command: Sequence[str]) -> NginxCommand:
    """Read an argument list such as ``/docker-entrypoint.sh nginx -g 'daemon off;'``."""
    words = iter(command)
    for word in words:
        if PurePosixPath(word).name in _NAMES_OF_NGINX:
            break
    else:
        return NginxCommand()
    given: dict[str, str] = {}
    for option in words:
        flag, value = option[:2], option[2:]  # NGINX takes `-cfile` as well as `-c file`
        if flag in ("-c", "-p", *_PASSED_ON):
            given[flag] = value or next(words, "")
    more = [part for flag in _PASSED_ON if flag in given for part in (flag, given[flag])]
    return NginxCommand(word, given.get("-p"), given.get("-c"), tuple(more))


def _running(client: docker.DockerClient) -> str:
    listed = client.api.containers(filters={"status": "running"})
    names = sorted(each["Names"][0].lstrip("/") for each in listed if each["Names"])
    if not names:
        return "No container runs on this engine: is it the right one (docker context ls)?"
    return f"Running are: {', '.join(names)}."
