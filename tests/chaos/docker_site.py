"""The world's parts where NGINX is a container; the two versions stay processes of this machine."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import Any

import docker

from tests.chaos.own_engine import Engine
from tests.chaos.running import eventually
from tests.chaos.site import Site
from tests.small_image import build

LEASE = 8.0
"""Seconds. What is asked of an engine takes longer than what is asked of this machine."""
NAME = "chaos-nginx"
CONFIG = "/etc/nginx/conf.d/canaryctl-upstream.conf"
FOLDER = "/etc/nginx/conf.d"
MAIN = "/etc/nginx/nginx.conf"


@dataclass
class DockerSite(Site):
    """NGINX in a container on this machine's network, so that its ports are the site's own.

    Attributes:
        engine: whose container it is.
    """

    engine: Engine | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        main = (self.base / "nginx.conf").read_text()
        for ours, inside in (
            (f"pid {self.base}/nginx.pid;", "pid /run/nginx.pid;"),
            (f"{self.base}/logs/", "/var/log/nginx/"),
        ):
            assert ours in main
            main = main.replace(ours, inside)
        (self.base / "docker-nginx.conf").write_text(main, encoding="utf-8")

    def gateway(self) -> dict[str, str]:
        """See ``Site.gateway``."""
        assert self.engine is not None
        return {
            "driver": "docker",
            "container": NAME,
            "docker_host": self.engine.url,
            "config": CONFIG,
            "control": f"127.0.0.1:{self.ports.control}",
            "attempts": "/var/log/nginx/canaryctl-attempts.log",
            "lease": f"{LEASE:g}s",
        }

    @property
    def _client(self) -> Any:
        assert self.engine is not None
        return self.engine.client()

    def start_nginx(self) -> None:
        """Start the container; makes it where there is none."""
        client = self._client
        with contextlib.closing(client):
            try:
                found = client.containers.get(NAME)
            except docker.errors.NotFound:
                self._made(client)
            else:
                if found.status == "paused":
                    found.unpause()
                found.start()
        eventually(self._listens, "NGINX's container listens", 20)

    def _made(self, client: Any) -> None:
        main = str(self.base / "docker-nginx.conf")
        client.containers.run(
            build(client, self.binary),
            ["/usr/sbin/nginx", "-c", MAIN, "-g", "daemon off;"],
            name=NAME,
            network_mode="host",
            volumes={main: {"bind": MAIN, "mode": "ro"}},
            detach=True,
        )

    def _listens(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.ports.clients), timeout=1).close()
            return True
        return False

    def act(self, verb: str) -> None:
        """Do something to the container: ``kill``, ``pause``, ``unpause``, ``restart``."""
        with contextlib.closing(self._client) as client:
            container = client.containers.get(NAME)
            getattr(container, verb)(**({"timeout": 1} if verb == "restart" else {}))

    def recreate(self) -> None:
        """Replace the container by a new one, whose configuration directory is empty."""
        with contextlib.closing(self._client) as client:
            client.containers.get(NAME).remove(force=True)
        self.start_nginx()

    def stop(self, name: str) -> None:
        """See ``Site.stop``."""
        if name != "nginx":
            super().stop(name)
            return
        with contextlib.closing(self._client) as client:
            client.containers.get(NAME).remove(force=True)

    def wipe(self) -> None:
        """See ``Site.wipe``; a container that was removed has nothing left."""

    def _inside(self, *command: str) -> tuple[int, str]:
        with contextlib.closing(self._client) as client:
            code, said = client.containers.get(NAME).exec_run(list(command))
            return int(code), said.decode(errors="replace")

    def tested(self) -> str:
        """See ``Site.tested``."""
        code, said = self._inside("/usr/sbin/nginx", "-t", "-q", "-c", MAIN)
        return said or f"exit {code}" if code else ""

    def text(self, ending: str = "") -> str | None:
        """See ``Site.text``."""
        code, said = self._inside("cat", CONFIG + ending)
        return None if code else said

    def listing(self) -> list[str]:
        """See ``Site.listing``."""
        return self._inside("ls", "-A", FOLDER, "/etc/nginx")[1].split()

    def lock_free(self) -> bool:
        """See ``Site.lock_free``."""
        code, _ = self._inside("flock", "-n", f"{CONFIG}.lock", "sh", "-c", ":")
        return code == 0

    def remove(self, *endings: str) -> None:
        """See ``Site.remove``."""
        self._inside("rm", "-f", *(CONFIG + ending for ending in endings))
