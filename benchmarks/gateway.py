"""A real NGINX on this machine in front of a backend that costs next to nothing."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figure import NotRunnable
from canaryctl.config.load import load
from canaryctl.core.errors import ConfigError
from canaryctl.core.weight import Weight
from canaryctl.demo.local_stack import nginx_binary
from canaryctl.demo.processes import Child, free_ports
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.nginx import NginxRouter
from canaryctl.drivers.nginx_version import NginxVersion, parse_version
from canaryctl.ports import Host, Mark, Run
from canaryctl.resources import shipped
from canaryctl.wiring import Build

_START_WITHIN = 15.0
_CONFIG = """\
service: bench
versions:
  stable: {{address: [{stable}]}}
  canary: {{address: [{canary}]}}
gateway:
  driver: local
  binary: {binary}
  prefix: {base}
  main: {base}/nginx.conf
  pid_file: {base}/nginx.pid
  config: {base}/conf.d/canaryctl-upstream.conf
  verify: http://127.0.0.1:{control}
{more}"""
# It keeps connections for as long as the gateway wants them: what is lost is the gateway's doing.
_BACKEND = """\
worker_processes 1;
pid {base}/backend.pid;
error_log {base}/logs/backend-error.log crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 1h;
    server {{ {listen} location / {{ return 200 "ok\\n"; }} }}
}}
"""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway with all traffic on stable.

    Attributes:
        url: where clients go.
        config: its canary.yaml.
        router: canaryctl's, made from that file.
        version: this NGINX's.
        base: a folder of its own, deleted afterwards.
    """

    url: str
    config: Path
    router: NginxRouter
    version: NginxVersion
    base: Path


def packaged_nginx() -> Path:
    """Find the NGINX that comes as a Python package.

    Raises:
        NotRunnable: it is not there.
    """
    try:
        return nginx_binary()
    except ConfigError as error:
        raise NotRunnable(f"{error}; {error.next_step}") from error


def nginx_version(host: Host) -> NginxVersion:
    """Ask the NGINX there."""
    said = host.perform([Run(("-v",))]).output
    version = parse_version(said)
    if version is None:
        raise RuntimeError(f"`nginx -v` gave {said!r}")
    return version


@contextlib.contextmanager
def gateway(
    binary: Path,
    *,
    workers: int = 2,
    servers: tuple[int, int] = (1, 1),
    template: str | None = None,
) -> Iterator[Gateway]:
    """Start one on free loopback ports, and end it.

    Args:
        binary: the gateway's NGINX; the backend's is always the packaged one.
        workers: its worker processes.
        servers: how many addresses stable and the canary have.
        template: text in place of the packaged upstream template.
    """
    with tempfile.TemporaryDirectory(prefix="canaryctl-bench-") as folder:
        base = Path(folder)
        base.chmod(0o755)  # NGINX's workers may run as nobody
        for name in ("conf.d", "logs"):
            (base / name).mkdir()
        http, control, *backends = free_ports(2 + sum(servers))
        listen = " ".join(f"listen 127.0.0.1:{port};" for port in backends)
        backend = base / "backend.conf"
        backend.write_text(_BACKEND.format(base=base, listen=listen), encoding="utf-8")
        (base / "nginx.conf").write_text(_main(base, http, workers), encoding="utf-8")
        sides = backends[: servers[0]], backends[servers[0] :]
        stable, canary = (", ".join(f'"127.0.0.1:{port}"' for port in side) for side in sides)
        more = ""
        if template is not None:
            (base / "template.j2").write_text(template, encoding="utf-8")
            more = "  template: template.j2\n"
        config = base / "canary.yaml"
        config.write_text(
            _CONFIG.format(
                binary=binary, base=base, stable=stable, canary=canary, control=control, more=more
            ),
            encoding="utf-8",
        )
        with (
            _nginx(packaged_nginx(), base, backend, backends[0]),
            _nginx(binary, base, base / "nginx.conf", http),
        ):
            build = Build(load(config), base)
            build.router.set(Weight.ZERO, Mark(reason="a benchmark begins"), None)
            url, version = f"http://127.0.0.1:{http}", nginx_version(build.host)
            yield Gateway(url, config, build.router, version, base)


@contextlib.contextmanager
def _nginx(binary: Path, base: Path, config: Path, port: int) -> Iterator[None]:
    argv = [str(binary), "-p", str(base), "-c", str(config), "-g", "daemon off;"]
    with Child(f"nginx-{config.stem}", argv, log_dir=base / "logs", clock=SystemClock()) as child:
        child.wait_for_port(port, within=_START_WITHIN)
        yield


def _main(base: Path, port: int, workers: int) -> str:
    """Give the shipped main configuration with these ports and paths, and without access logs."""
    text = shipped("nginx/nginx.canary.conf").read_text(encoding="utf-8")
    for theirs, ours in (
        ("worker_processes auto;", f"worker_processes {workers};"),
        ("pid /run/nginx.pid;", f"pid {base}/nginx.pid;"),
        ("error_log /dev/stderr warn;", f"error_log {base}/logs/error.log warn;"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("/var/log/nginx/", f"{base}/logs/"),
    ):
        if theirs not in text:
            raise RuntimeError(f"nginx/nginx.canary.conf no longer says {theirs!r}")
        text = text.replace(theirs, ours)
    return text
