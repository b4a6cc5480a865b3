"""An NGINX in a container for benchmarks: one that is removed whatever happens."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figure import NotRunnable
from benchmarks.gateway import packaged_nginx
from canaryctl.config.load import loads
from canaryctl.core.errors import HostError
from canaryctl.core.weight import Weight
from canaryctl.demo.processes import free_ports
from canaryctl.drivers.docker_connect import connect
from canaryctl.ports import Mark
from canaryctl.resources import shipped
from canaryctl.wiring import Build

LIVE = "/etc/nginx/conf.d/canaryctl-upstream.conf"
_IMAGE = "CANARYCTL_NGINX_IMAGE"  # as for the demo's Compose file
_CONFIG = """\
service: bench
versions:
  stable: {{address: "127.0.0.1:8000"}}
  canary: {{address: "127.0.0.1:8001"}}
gateway:
  driver: docker
  container: {name}
  config: {live}
  verify: {verify}
  control: "9180"
"""


@dataclass(frozen=True, slots=True)
class DockerGateway:
    """A running container with the shipped main configuration and all traffic on stable.

    Attributes:
        name: the container's.
        verify: URL of its control listener.
        yaml: a canary.yaml for it.
    """

    name: str
    verify: str
    yaml: str

    def build(self) -> Build:
        """Bring the configuration to life anew: nothing is known of the host yet."""
        return Build(loads(self.yaml), Path())


@contextlib.contextmanager
def docker_gateway() -> Iterator[DockerGateway]:
    """Start one on the engine that ``DOCKER_HOST`` names, and remove it.

    Raises:
        NotRunnable: no engine, or no image and no way to make one.
    """
    try:
        client = connect(timeout=30)
    except HostError as error:
        raise NotRunnable(f"needs a Docker Engine (set DOCKER_HOST): {error}") from error
    with contextlib.ExitStack() as up:
        up.callback(client.close)
        image = _image(client)
        (port,) = free_ports(1)
        name = f"canaryctl-bench-{uuid.uuid4().hex[:8]}"
        container = client.containers.create(
            image,
            ["nginx", "-p", "/etc/nginx/", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"],
            name=name,
            working_dir="/etc/nginx",  # where the shell way's `nginx -t` finds nginx.conf
            labels={"canaryctl.benchmark": "1"},
            ports={"9180/tcp": ("127.0.0.1", port)},
        )
        up.callback(container.remove, force=True, v=True)
        container.put_archive("/etc/nginx", _packed())
        container.start()
        verify = f"http://127.0.0.1:{port}"
        yaml = _CONFIG.format(name=name, live=LIVE, verify=verify)
        running = DockerGateway(name, verify, yaml)
        running.build().router.set(Weight.ZERO, Mark(reason="a benchmark begins"), None)
        yield running


def _image(client: Any) -> str:
    """Take the image that was asked for, else a small one around the packaged NGINX."""
    if given := os.environ.get(_IMAGE):
        return given
    # The tests' image: this runs in a checkout, where they are.
    from tests.small_image import CannotBuildError, build  # noqa: PLC0415

    try:
        return build(client, packaged_nginx())
    except CannotBuildError as error:
        raise NotRunnable(f"{error}; or set {_IMAGE} to an NGINX image") from error


def _packed() -> bytes:
    """Pack the shipped main configuration as the container's own."""
    text = shipped("nginx/nginx.canary.conf").read_bytes()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("nginx.conf")
        entry.size, entry.mode = len(text), 0o644
        archive.addfile(entry, io.BytesIO(text))
    return buffer.getvalue()
