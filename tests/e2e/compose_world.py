"""The stack of ``compose/`` on free ports, for deployments and promotions."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from canaryctl.demo.docker_stack import IMAGES
from canaryctl.demo.fault import switch
from canaryctl.demo.processes import free_ports
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.compose import compose_command
from canaryctl.drivers.lock import SHARED, Locks
from canaryctl.resources import shipped
from tests.e2e.harness import Clients, Tool, eventually, load

STARTED = ("app", "nginx", "prometheus")
PYTHON, NGINX, PROMETHEUS = IMAGES
RELEASES = ("v0.1.0", "v0.2.0", "v0.3.0")
IMAGE = "canaryctl-test/deploy"
# Seconds matter in a test: the stack's own looks every 5 s. Each look is a process in a container,
# so what is seldom waited for is looked at less often.
_QUICK = """\
services:
  app:
    stop_grace_period: 3s
    healthcheck: {interval: 3s, timeout: 10s, retries: 30, start_period: 0s}
  app-canary:
    stop_grace_period: 3s
    healthcheck: {interval: 1s, timeout: 10s, retries: 30, start_period: 0s}
  nginx: {stop_grace_period: 2s}
  prometheus: {stop_grace_period: 2s}
"""
_PORTS = (
    "HTTP_PORT",
    "CONTROL_PORT",
    "API_PORT",
    "CANARY_API_PORT",
    "PROMETHEUS_PORT",
    "FAULTS_PORT",
    "CANARY_FAULTS_PORT",
)


@dataclass
class ComposeWorld:
    """A running stack, at v0.1.0 and 0 %, without a canary.

    Attributes:
        base: its folder: ``.env``, ``canary.yaml``, logs.
        project: of Compose.
        ports: by their variables' names.
    """

    engine: Any
    base: Path
    project: str
    ports: Mapping[str, int]
    _numbered: int = field(default=0, init=False)

    @property
    def clients(self) -> Clients:
        """Those who use the service."""
        return Clients(self.ports["HTTP_PORT"])

    @property
    def env_file(self) -> Path:
        """What Compose and canaryctl share."""
        return self.base / ".env"

    @property
    def files(self) -> list[str]:
        """The Compose files, in order."""
        shared = ("docker-compose.production.yml", "docker-compose.canary.yml")
        return [*(str(shipped(f"compose/{one}")) for one in shared), str(self.base / "quick.yml")]

    def compose(self, *arguments: str) -> str:
        """Run Compose as somebody would by hand."""
        argv = [*compose_command(), "-p", self.project, "--env-file", str(self.env_file)]
        for one in self.files:
            argv += ["-f", one]
        done = subprocess.run(
            [*argv, *arguments], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def container(self, service: str) -> Any | None:
        """Give a service's container, the SDK's object; None: there is none."""
        labels = [
            f"com.docker.compose.project={self.project}",
            f"com.docker.compose.service={service}",
        ]
        found = self.engine.containers.list(all=True, filters={"label": labels})
        return found[0] if found else None

    def image_of(self, service: str) -> str:
        """Give the image that a service runs."""
        found = self.container(service)
        assert found is not None, f"no container of {service}"
        assert found.status == "running", f"{service} is {found.status}"
        return str(found.attrs["Config"]["Image"])

    def in_force(self) -> dict[str, str]:
        """Ask NGINX itself for generation and weight, past canaryctl."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["CONTROL_PORT"], timeout=5)
        try:
            connection.request("GET", "/generation")
            answer: dict[str, str] = json.loads(connection.getresponse().read())
            return answer
        finally:
            connection.close()

    def fault(self, *, canary: bool = True, **settings: float | bool) -> None:
        """Break one version; the switches are there once it runs."""
        port = self.ports["CANARY_FAULTS_PORT" if canary else "FAULTS_PORT"]
        switch(f"http://127.0.0.1:{port}/faults", settings)

    def config(
        self,
        *,
        plan: Mapping[str, Any] | None = None,
        deploy: Mapping[str, Any] | None = None,
        promotion: Mapping[str, Any] | None = None,
        **sections: Any,
    ) -> Path:
        """Write a canary.yaml for this stack, with some of it changed."""
        text = shipped("compose/canary.yaml").read_text()
        for name, port in self.ports.items():
            text = text.replace(f"${{{name}:-", f"{port}${{NOTHING_OF_THAT:-")
        parsed: dict[str, Any] = yaml.safe_load(_filled(text))
        parsed["gateway"] |= {"project": self.project, "lease": "30s"}
        parsed["plan"] = {"stages": [50, 100], "observe": "3s", "interval": "1s", **(plan or {})}
        parsed["deploy"] |= {
            "files": self.files,
            "project": self.project,
            "env_file": str(self.env_file),
            "healthy_within": "30s",
            **(deploy or {}),
        }
        parsed["promotion"] = {"watch": "2s", "settle": "1s", **(promotion or {})}
        if promotion is None:
            del parsed["promotion"]
        parsed.pop("export", None)  # its port is this machine's
        parsed |= sections
        self._numbered += 1
        path = self.base / f"canary-{self._numbered}.yaml"
        path.write_text(yaml.safe_dump(parsed, allow_unicode=True, sort_keys=False))
        return path


def _filled(text: str) -> str:
    """Fill the defaults of ``${NAME:-default}`` in."""
    import re  # noqa: PLC0415

    text = re.sub(r"\$\{NOTHING_OF_THAT:-[^}]*\}", "", text)
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def build_images(engine: Any, prefix: str = IMAGE) -> None:
    """Make the releases of the demo's service, where they are not there yet."""
    there = {tag for image in engine.images.list(prefix) for tag in image.tags}
    missing = [one for one in RELEASES if f"{prefix}:{one}" not in there]
    if not missing:
        return
    packaged = any(PYTHON in image.tags for image in engine.images.list(PYTHON))
    env = {"CANARYCTL_PYTHON_IMAGE": PYTHON} if packaged else {}
    subprocess.run(
        ["/bin/sh", str(shipped("compose/app/build")), *missing],
        env={**os.environ, **env, "APP_IMAGE": prefix},
        capture_output=True,
        timeout=600,
        check=True,
    )


@contextlib.contextmanager
def compose_world(engine: Any, base: Path) -> Iterator[ComposeWorld]:
    """Start the stack and give it once stable answers and is known to Prometheus."""
    build_images(engine)
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    w = ComposeWorld(engine, base, f"canaryctl-dep-{uuid.uuid4().hex[:6]}", ports)
    packaged = any(NGINX in image.tags for image in engine.images.list(NGINX))
    images = (
        {"CANARYCTL_NGINX_IMAGE": NGINX, "CANARYCTL_PROMETHEUS_IMAGE": PROMETHEUS}
        if packaged
        else {}
    )
    variables = {
        **{name: str(port) for name, port in ports.items()},
        "APP_IMAGE": IMAGE,
        "PRODUCTION_VERSION": RELEASES[0],
        "CANARY_VERSION": RELEASES[0],
        "APP_ADMIN_PORT": "8100",
        "PROMETHEUS_CONFIG": "prometheus.yml",
        "COMPOSE_PROFILES": "",
        **images,
    }
    text = "# kept by hand and by canaryctl\n"
    w.env_file.write_text(text + "".join(f"{k}={v}\n" for k, v in variables.items()))
    (base / "quick.yml").write_text('version: "3.4"\n' + _QUICK if _is_v1() else _QUICK)
    try:
        w.compose("up", "-d", "--no-deps", *STARTED)
        tool = Tool(base / "state")
        config = w.config()
        eventually(lambda: _answers(w), "stable and NGINX answer", 60)
        started = tool.run("weights", "set", "0", config=config)
        assert started.code == 0, started.err
        with load(ports["HTTP_PORT"], base):
            eventually(lambda: _counted(w), "Prometheus has seen requests", 60)
        yield w
    finally:
        w.compose("--profile", "canary-workers", "down", "--volumes", "--timeout", "2")
        token = Locks(f"compose  {w.project}", SystemClock()).token
        (SHARED / f"{token}.compose").unlink(missing_ok=True)


def _is_v1() -> bool:
    return compose_command() == ("docker-compose",)


def _answers(w: ComposeWorld) -> bool:
    try:
        Clients(w.ports["API_PORT"]).ask("GET", "/health")
        return w.clients.ask("GET", "/health")[0] != 0
    except (OSError, http.client.HTTPException):
        return False


def _counted(w: ComposeWorld) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", w.ports["PROMETHEUS_PORT"], timeout=5)
    try:
        query = "sum(http_request_duration_seconds_count)"
        connection.request("GET", f"/api/v1/query?query={query}")
        result = json.loads(connection.getresponse().read())["data"]["result"]
        return bool(result) and float(result[0]["value"][1]) > 0
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return False
    finally:
        connection.close()
