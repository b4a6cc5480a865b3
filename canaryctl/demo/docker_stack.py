"""The demo in containers: NGINX, two versions of the service and Prometheus, by Compose."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from canaryctl.core.errors import HostError
from canaryctl.demo.compose import Compose, bounded
from canaryctl.demo.processes import free_ports
from canaryctl.demo.stack import PLAN_AND_GATES, RELEASE, Stack
from canaryctl.drivers.compose import compose_command
from canaryctl.ports import Clock
from canaryctl.resources import shipped

IMAGES = ("canaryctl-demo/python:1", "canaryctl-demo/nginx:1", "canaryctl-demo/prometheus:1")
"""What ``compose/build-images`` makes, for machines that reach no registry."""

UP_WITHIN = 600.0
"""Seconds for Compose: images may have to be downloaded."""
ANSWER_WITHIN = 60.0
"""Seconds for all of it to answer once it was started."""
BOTH = {"production", "canary"}
"""The versions as Prometheus names them."""
_FRESHLY_UP = "up == 1 and timestamp(up) > time() - 3"
# Without an age a Prometheus that was started anew answers with what it last saw before.
_BUILD_WITHIN = 900.0
_LOOK_AGAIN_S = 0.1
_ASK_S = 2.0

_CONFIG = """\
service: fragrance-ai
versions:
  stable: {{address: "app:8000"}}
  canary: {{address: "app-canary:8001"}}
gateway:
  driver: docker
  project: {project}
  service: nginx
  config: /etc/nginx/conf.d/canaryctl-upstream.conf
  verify: http://127.0.0.1:{control}
  control: "9180"                   # inside the container
  attempts: /var/log/nginx/canaryctl-attempts.log
metrics:
  provider: prometheus
  url: http://127.0.0.1:{prometheus}
  select:
    stable: {{version: production}}
    canary: {{version: canary}}
"""


class NoImages(HostError):
    """There are neither official images nor packaged ones, nor may they be built here."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The published ports, all of 127.0.0.1."""

    clients: int
    control: int
    prometheus: int
    stable_admin: int
    canary_admin: int

    @classmethod
    def free(cls) -> Ports:
        """Choose ports nobody listens on."""
        return cls(*free_ports(5))

    def variables(self) -> dict[str, str]:
        """Give them as the Compose file wants them."""
        return {
            "CANARYCTL_HTTP_PORT": str(self.clients),
            "CANARYCTL_CONTROL_PORT": str(self.control),
            "CANARYCTL_PROMETHEUS_PORT": str(self.prometheus),
            "CANARYCTL_STABLE_ADMIN_PORT": str(self.stable_admin),
            "CANARYCTL_CANARY_ADMIN_PORT": str(self.canary_admin),
        }


@dataclass(frozen=True, slots=True)
class Containers:
    """A running Compose project, its ports, and its canary.yaml without plan and gates."""

    compose: Compose
    ports: Ports
    config: str


@contextlib.contextmanager
def docker_stack(base: Path, clock: Clock, observe: str) -> Iterator[Stack]:
    """Start the Compose stack on free loopback ports, and take all of it down afterwards.

    Raises:
        HostError: there is no engine, no Compose or no images, or something does not answer.
    """
    with containers(base, clock) as running:
        config = base / "canary.yaml"
        text = running.config + PLAN_AND_GATES.format(observe=observe)
        config.write_text(text, encoding="utf-8")
        yield Stack(
            url=f"http://127.0.0.1:{running.ports.clients}",
            faults=f"http://127.0.0.1:{running.ports.canary_admin}/faults",
            config=config,
            said=f"NGINX on 127.0.0.1:{running.ports.clients}, two versions of the service and "
            f"Prometheus, in containers of Compose project {running.compose.project}",
        )


@contextlib.contextmanager
def containers(base: Path, clock: Clock) -> Iterator[Containers]:
    """Start the Compose project; errors as in ``docker_stack``.

    Gives it once both versions, NGINX and Prometheus answer, and Prometheus sees both.
    """
    packaged = _packaged_images()
    ports = Ports.free()
    compose = Compose(
        command=compose_command(),
        project=f"canaryctl-demo-{secrets.token_hex(3)}",
        file=shipped("compose/docker-compose.demo.yml"),
        variables={
            **ports.variables(),
            "CANARYCTL_NGINX_CONFIG": str(shipped("nginx/nginx.canary.conf")),
            "CANARYCTL_CANARY_RELEASE": RELEASE,
        },
        env_file=shipped("compose/no-registry.env") if packaged else None,
        log=base / "compose.log",
        clock=clock,
    )
    with contextlib.ExitStack() as up:
        _say(f"starting containers of Compose project {compose.project} …")
        # Before `up`: one that fails or is interrupted leaves something behind as well.
        up.push(lambda *raised: _down(compose, failing=raised[0] is not None))
        if packaged:
            compose.up(within=UP_WITHIN)
        else:
            compose = _from_anywhere(compose)
        _wait(ports, compose, clock)
        config = _CONFIG.format(
            project=compose.project, control=ports.control, prometheus=ports.prometheus
        )
        yield Containers(compose, ports, config)


def _down(compose: Compose, *, failing: bool) -> None:
    """Take everything down; a failure of this does not hide the one before it."""
    try:
        compose.down()
    except HostError as error:
        if not failing:
            raise
        _say(f"{error}; {error.next_step}")


def _packaged_images() -> bool:
    """Tell whether the images made by ``build-images`` are on the engine."""
    import docker  # noqa: PLC0415  190 ms, and only for this

    from canaryctl.drivers.docker_connect import connect, engine_errors  # noqa: PLC0415

    with contextlib.closing(connect()) as engine, engine_errors("cannot list images"):
        for image in IMAGES:
            try:
                engine.images.get(image)
            except docker.errors.ImageNotFound:
                return False
    return True


def _from_anywhere(compose: Compose) -> Compose:
    """Start from the official images; where no registry answers, from packages."""
    script = shipped("compose/build-images")
    try:
        compose.up(within=UP_WITHIN)
    except HostError as error:
        if os.geteuid() != 0:
            raise NoImages(
                f"the official images cannot be had, and {', '.join(IMAGES)} are not built: "
                f"{error}",
                next_step=f"run `sudo {sys.executable} {script}` once: it builds them from "
                "packages, without a registry",
            ) from error
        _say("the official images cannot be had: building them from packages (about a minute) …")
        compose.down()
    else:
        return compose
    try:
        code = bounded([sys.executable, str(script)], sys.stderr, _BUILD_WITHIN)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(f"{script} did not come to its end: {error}") from error
    if code != 0:
        raise HostError(
            f"{script} ended with code {code}",
            next_step="mend what it names above, and run it again as root",
        )
    compose = replace(compose, env_file=shipped("compose/no-registry.env"))
    compose.up(within=UP_WITHIN)
    return compose


def _wait(ports: Ports, compose: Compose, clock: Clock) -> None:
    deadline = clock.now() + ANSWER_WITHIN
    for what, answers in _awaited(ports):
        while not answers():
            if clock.now() >= deadline:
                raise HostError(
                    f"{what} did not answer within {ANSWER_WITHIN:g} s; the containers printed: "
                    f"{compose.tail() or 'nothing'}"
                )
            clock.sleep(_LOOK_AGAIN_S)


def _awaited(ports: Ports) -> list[tuple[str, Callable[[], bool]]]:
    """Name what has to answer. That a published port accepts says nothing: Docker does."""
    return [
        ("the stable version", lambda: _get(ports.stable_admin, "/faults")[0] == HTTPStatus.OK),
        ("the canary", lambda: _get(ports.canary_admin, "/faults")[0] == HTTPStatus.OK),
        ("NGINX", lambda: _get(ports.clients, "/health")[0] != 0),  # 503: it has no weights yet
        ("Prometheus", lambda: _get(ports.prometheus, "/-/ready")[0] == HTTPStatus.OK),
        ("both versions in Prometheus", lambda: versions_up(ports.prometheus) == BOTH),
    ]


def versions_up(prometheus: int) -> set[str]:
    """Give the versions whose latest scrape by the Prometheus on this port succeeded."""
    _, body = _get(prometheus, f"/api/v1/query?query={quote(_FRESHLY_UP)}")
    try:
        result: list[dict[str, Any]] = json.loads(body)["data"]["result"]
        return {str(one["metric"].get("version")) for one in result}
    except (ValueError, KeyError, TypeError):
        return set()


def _get(port: int, path: str) -> tuple[int, bytes]:
    """Give status and body; status 0 when there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ASK_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def _say(text: str) -> None:
    sys.stderr.write(f"demo: {text}\n")
    sys.stderr.flush()
