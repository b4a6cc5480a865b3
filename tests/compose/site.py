"""The production stack in containers, for one module of tests: real, on free ports, removed."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import secrets
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from canaryctl.core.errors import HostError
from canaryctl.demo.docker_stack import IMAGES
from canaryctl.demo.processes import free_ports
from canaryctl.drivers.compose import compose_command
from tests.e2e.harness import eventually

COMPOSE = Path(__file__).resolve().parents[2] / "compose"
SERVICES = ("app", "app-canary", "nginx", "prometheus")
"""The guard is a process of this machine: its image would take a minute to make."""
RELEASES = ("v0.1.0", "v0.2.0")
_PORTS = (
    *("HTTP_PORT", "CONTROL_PORT", "API_PORT", "CANARY_API_PORT", "PROMETHEUS_PORT"),
    *("GRAFANA_PORT", "FAULTS_PORT", "CANARY_FAULTS_PORT"),
)
_BUILD_WITHIN = 900.0
_UP_WITHIN = 300.0


@dataclass(frozen=True)
class Site:
    """The running stack.

    Attributes:
        env: what Compose and canary.yaml read.
        folder: of the configuration, and for what is written.
        argv: of Compose, up to its verb.
    """

    env: Mapping[str, str]
    folder: Path
    argv: tuple[str, ...]

    @property
    def config(self) -> Path:
        """The stack's own canary.yaml."""
        return COMPOSE / "canary.yaml"

    def port(self, name: str) -> int:
        """Give a published port by the name it has in .env."""
        return int(self.env[name])

    def compose(self, *arguments: str, within: float = 120.0) -> str:
        """Run Compose; gives what it printed."""
        done = subprocess.run(
            [*self.argv, *arguments],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def prometheus(self, path: str) -> Any:
        """Ask Prometheus's API; gives ``data``."""
        url = f"http://127.0.0.1:{self.port('PROMETHEUS_PORT')}/api/v1/{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate a PromQL expression now."""
        found: list[dict[str, Any]] = self.prometheus(f"query?query={quote(expression)}")["result"]
        return found

    def scraped(self, *jobs: str) -> bool:
        """Tell whether the latest scrape of each job succeeded."""
        up = {one["metric"]["job"] for one in self.query("up == 1")}
        return set(jobs) <= up


@contextlib.contextmanager
def site(folder: Path, engine: Any) -> Iterator[Site]:
    """Bring the stack up from both Compose files, and take all of it down afterwards."""
    try:
        command = compose_command()
    except HostError as error:
        pytest.skip(str(error))
    _stand_ins(engine)
    name = f"canaryctl-test-{secrets.token_hex(3)}"
    image, bridge = f"{name}/app", _bridge(engine)
    ports = dict(zip(_PORTS, map(str, free_ports(len(_PORTS))), strict=True))
    export, guard = free_ports(2, bridge)
    env = {
        **_file(COMPOSE / ".env.example"),
        **_file(COMPOSE / "no-registry.env"),
        **ports,
        "COMPOSE_PROJECT_NAME": name,
        "APP_IMAGE": image,
        "APP_ADMIN_PORT": "8100",
        "CANARY_OBSERVE": "60s",
        "CANARY_INTERVAL": "1s",
        "CANARYCTL_EXPORT_LISTEN": f"{bridge}:{export}",
        "CANARYCTL_GUARD_LISTEN": f"{bridge}:{guard}",
    }
    del env["COMPOSE_FILE"]
    (folder / ".env").write_text("".join(f"{key}={value}\n" for key, value in env.items()))
    (folder / "test.yml").write_text(yaml.safe_dump(_quick(folder, export, guard)))
    files = ("docker-compose.production.yml", "docker-compose.canary.yml")
    named = [part for file in files for part in ("--file", str(COMPOSE / file))]
    argv = (
        *command,
        "--env-file",
        str(folder / ".env"),
        *named,
        "--file",
        str(folder / "test.yml"),
    )
    running = Site(env, folder, argv)
    try:
        build = ["/bin/sh", str(COMPOSE / "app/build"), *RELEASES]
        _run(build, {**env, "CANARYCTL_PYTHON_IMAGE": IMAGES[0]})
        running.compose("up", "--detach", *SERVICES, within=_UP_WITHIN)
        eventually(lambda: running.scraped("app", "app-canary"), "both versions scraped", 60)
        yield running
    finally:
        running.compose("down", "--volumes", "--remove-orphans", "--timeout", "3")
        for release in RELEASES:
            with contextlib.suppress(Exception):
                engine.images.remove(f"{image}:{release}")


def _stand_ins(engine: Any) -> None:
    """Have the images that are made from packages."""
    there = {tag for image in engine.images.list() for tag in image.tags}
    if set(IMAGES) <= there:
        return
    if os.geteuid() != 0:
        pytest.skip(f"needs {', '.join(IMAGES)}: sudo python3 compose/build-images")
    _run([sys.executable, str(COMPOSE / "build-images")], {})


def _run(argv: list[str], env: Mapping[str, str]) -> None:
    done = subprocess.run(
        argv,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=_BUILD_WITHIN,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _bridge(engine: Any) -> str:
    """Give this machine's address as containers reach it (host-gateway)."""
    settings = engine.networks.get("bridge").attrs["IPAM"]["Config"]
    ours = next(one for one in settings if "." in one["Subnet"])
    # Older engines do not say it: then it is the network's first address.
    return str(ours.get("Gateway") or ipaddress.ip_network(ours["Subnet"])[1])


def _file(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def _quick(folder: Path, export: int, guard: int) -> dict[str, Any]:
    """Give a Compose file more: Prometheus looks each second, and at other ports of this host."""
    config = yaml.safe_load((COMPOSE / "prometheus/stack.yml").read_text())
    config["global"] = dict.fromkeys(
        ("scrape_interval", "scrape_timeout", "evaluation_interval"), "1s"
    )
    targets = {"canaryctl": export, "canaryctl-guard": guard}
    for job in config["scrape_configs"]:
        if job["job_name"] in targets:
            at = f"host.docker.internal:{targets[job['job_name']]}"
            job["static_configs"] = [{"targets": [at]}]
    shutil.copytree(COMPOSE / "prometheus/rules", folder / "prometheus/rules")
    (folder / "prometheus/stack.yml").write_text(yaml.safe_dump(config))
    for each in (folder, *(folder / "prometheus").rglob("*"), folder / "prometheus"):
        each.chmod(0o755 if each.is_dir() else 0o644)  # Prometheus there is nobody
    mount = {
        "type": "bind",
        "source": str(folder / "prometheus"),
        "target": "/etc/prometheus",
        "read_only": True,
    }
    return {"services": {"prometheus": {"volumes": [mount]}}}
