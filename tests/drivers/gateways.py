"""Real NGINXes under a router, on this machine and in containers, with backends behind them."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canaryctl.core.weight import Weight
from canaryctl.demo.client import Connection, Lost, Request
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.docker_host import DockerHost
from canaryctl.drivers.local_host import LocalHost
from canaryctl.drivers.lock import Locks
from canaryctl.drivers.nginx import NginxRouter
from canaryctl.drivers.nginx_control import Control
from canaryctl.drivers.template import Address, Routing
from canaryctl.ports import Host
from canaryctl.resources import shipped
from tests.drivers.real_nginx import listens

PACKAGED = shipped("nginx/upstream.conf.j2").read_text(encoding="utf-8")
MAIN = shipped("nginx/nginx.canary.conf").read_text(encoding="utf-8")
OLD_NGINX = "/usr/sbin/nginx"
STOP_WITHIN = 10.0
_numbers = itertools.count(1)


def percent(text: str) -> Weight:
    return Weight.parse(text)


def next_generation(before: str | None) -> str:
    """Like the real one, without a random part."""
    return f"{int((before or '0').partition('-')[0]) + 1}-{next(_numbers):x}"


def version_of(binary: str) -> tuple[int, ...]:
    said = subprocess.run([binary, "-v"], capture_output=True, text=True, timeout=10, check=True)
    return tuple(int(part) for part in said.stderr.rpartition("/")[2].split()[0].split("."))


@dataclass
class Site:
    """A folder that is an NGINX's prefix, and the process."""

    folder: Path
    binary: str
    main: Path
    process: subprocess.Popen[bytes] | None = None

    def at(self, name: str) -> str:
        return str(self.folder / name)

    def start(self, port: int) -> None:
        argv = [self.binary, "-p", str(self.folder), "-c", str(self.main), "-g", "daemon off;"]
        with (self.folder / "logs/out").open("ab") as out:
            self.process = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        assert listens("127.0.0.1", port), (self.folder / "logs/error.log").read_text()

    def stop(self) -> None:
        if self.process is None:
            return
        workers = self.workers()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_WITHIN)
        for pid in workers:  # of a master that was killed
            if _is_nginx(pid):
                os.kill(pid, signal.SIGKILL)
        self.process = None

    def kill(self) -> None:
        """End master and workers at once, as an out-of-memory killer may."""
        assert self.process is not None
        workers = self.workers()
        self.process.kill()
        self.process.wait(STOP_WITHIN)
        for pid in workers:
            if _is_nginx(pid):
                os.kill(pid, signal.SIGKILL)

    def workers(self) -> list[int]:
        assert self.process is not None
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            return [int(pid) for pid in listed.read_text().split()]
        except FileNotFoundError:
            return []

    def passes(self) -> str:
        """Run ``nginx -t`` on what is on disk; empty when it passes."""
        argv = [self.binary, "-p", str(self.folder), "-c", str(self.main), "-t", "-q"]
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
        return ended.stderr if ended.returncode else ""

    def files(self) -> dict[str, bytes]:
        """Give every configuration file, hidden ones too."""
        found = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(p): p.read_bytes() for p in found if p.suffix in (".conf", ".pid")}


def _is_nginx(pid: int) -> bool:
    try:
        return b"nginx" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


def make_site(folder: Path, binary: str, main: str) -> Site:
    folder.chmod(0o755)
    for above in list(folder.parents)[:3]:
        if above.stat().st_uid == os.getuid() and str(above).startswith("/tmp/"):  # noqa: S108
            above.chmod(0o755)
    for name in ("conf.d", "logs"):
        (folder / name).mkdir()
    path = folder / "nginx.conf"
    path.write_text(main)
    return Site(folder, binary, path)


_TEMPORARY = "".join(
    f"    {name}_temp_path temp-{name};\n"
    for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)


def main_config(folder: Path, port: int, workers: int, extra: str = "") -> str:
    """The shipped main configuration, for a user-space NGINX."""
    text = MAIN
    for old, new in (
        ("worker_processes auto;", f"worker_processes {workers};"),
        ("pid /run/nginx.pid;", f"pid {folder}/nginx.pid;"),
        ("error_log /dev/stderr warn;", f"error_log {folder}/logs/error.log notice;"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("/var/log/nginx/", f"{folder}/logs/"),
        ("    default_type", f"{_TEMPORARY}{extra}    default_type"),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


@dataclass
class Backends:
    """One NGINX that is many servers, each of which says its own name."""

    site: Site
    ports: Mapping[str, int]

    def address(self, name: str) -> Address:
        return Address(f"127.0.0.1:{self.ports[name]}")


@contextlib.contextmanager
def backends(folder: Path, binary: str, free_port: Callable[[], int]) -> Iterator[Backends]:
    names = [*(f"stable-{n}" for n in range(1, 5)), *(f"canary-{n}" for n in range(1, 4))]
    ports = {name: free_port() for name in names}
    servers = "".join(
        f"server {{ listen 127.0.0.1:{port}; listen unix:{folder}/{name}.sock; "
        f'location /fails {{ return 500 "{name}"; }} location / {{ return 200 "{name}"; }} }}\n'
        for name, port in ports.items()
    )
    main = (
        f"worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/logs/error.log notice;\n"
        f"events {{ worker_connections 4096; }} http {{ access_log off;\n{_TEMPORARY}"
        f"keepalive_requests 1000000;\n{servers} }}\n"
    )
    site = make_site(folder, binary, main)
    try:
        site.start(ports["stable-1"])
        yield Backends(site, ports)
    finally:
        site.stop()


@dataclass
class Gateway:
    """A router and what it changes."""

    router: NginxRouter
    port: int
    control: int
    live: str
    site: Site | None = None
    container: Any = None
    made: dict[str, Any] = field(default_factory=dict)

    def fresh(self, **changes: Any) -> NginxRouter:
        """Give another process' router for the same gateway."""
        return NginxRouter(**{**self.made, **changes})

    def error_log(self) -> str:
        assert self.site is not None
        return Path(self.site.at("logs/error.log")).read_text()

    def served(self, count: int, path: str = "/") -> Counter[str]:
        """Ask so often, each time on a new connection; count the backends' names."""
        return Counter(get(self.port, path)[1] for _ in range(count))


def get(port: int, path: str = "/") -> tuple[int, str, Mapping[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read().decode(), dict(response.getheaders())
    finally:
        connection.close()


def local_gateway(
    folder: Path,
    binary: str,
    free_port: Callable[[], int],
    stable: Sequence[Address],
    canary: Sequence[Address],
    *,
    workers: int = 2,
    extra: str = "",
    start: bool = True,
) -> Gateway:
    """Start an NGINX with the shipped main configuration; its ``site`` has to be stopped."""
    port, control = free_port(), free_port()
    site = make_site(folder, binary, main_config(folder, port, workers, extra))
    if start:
        site.start(port)
    host = LocalHost(
        binary=binary, prefix=str(folder), main=str(site.main), pid_file=site.at("nginx.pid")
    )
    live = site.at("conf.d/canaryctl.conf")
    gateway = _gateway(host, folder, port, control, f"127.0.0.1:{control}", live, stable, canary)
    gateway.site = site
    return gateway


_START = 'printf %s "$1" > /etc/nginx/nginx.conf && exec nginx -c /etc/nginx/nginx.conf'
PUBLISHED = {"80/tcp": ("127.0.0.1", None), "9180/tcp": ("127.0.0.1", None)}


def nginx_command(main: str) -> list[str]:
    """Run NGINX in a container with this main configuration."""
    return ["sh", "-c", f'{_START} -p /etc/nginx -g "daemon off;"', "start", main]


def says(name: str, port: int) -> list[str]:
    """Run a server in a container that says its name."""
    servers = f"server {{ listen {port}; location / {{ return 200 {name}; }} }}"
    rest = "keepalive_requests 1000000; access_log off;"
    return nginx_command(
        f"events {{ worker_connections 1024; }} http {{ {rest} {servers} }}\n"
        "error_log /dev/stderr warn; pid /run/nginx.pid;\n"
    )


def docker_gateway(
    container: Any,
    docker_url: str,
    folder: Path,
    stable: Sequence[Address],
    canary: Sequence[Address],
    resolver: str = "",
) -> Gateway:
    """Give the router of an NGINX that listens on 80 and 9180 in a container."""
    port, control = (int(container.ports[f"{n}/tcp"][0]["HostPort"]) for n in (80, 9180))
    assert listens("127.0.0.1", port)
    host = DockerHost(
        container.name,
        docker_host=docker_url,
        binary="nginx",
        prefix="/etc/nginx",
        main="/etc/nginx/nginx.conf",
    )
    live = "/etc/nginx/conf.d/canaryctl.conf"
    gateway = _gateway(host, folder, port, control, "9180", live, stable, canary)
    gateway.container = container
    gateway.made["resolver"] = resolver
    gateway.router = gateway.fresh()
    return gateway


def _gateway(
    host: Host,
    folder: Path,
    port: int,
    control: int,
    listen: str,
    live: str,
    stable: Sequence[Address],
    canary: Sequence[Address],
) -> Gateway:
    clock = SystemClock()
    locks = Locks(f"test {folder}", clock, folder / "locks")
    made: dict[str, Any] = {
        "host": host,
        "control": Control(f"http://127.0.0.1:{control}", clock),
        "clock": clock,
        "source": PACKAGED,
        "routing": Routing("demo", tuple(stable), tuple(canary), listen),
        "live": live,
        "token": locks.token,
        "new_generation": next_generation,
        "writing": locks.writing,
    }
    return Gateway(NginxRouter(**made), port, control, live, made=made)


@dataclass
class Heard:
    """What clients on keep-alive connections were answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    bodies: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        return sum(self.statuses.values()) + sum(self.lost.values())


def asked(port: int, requests: int, connections: int = 1, path: str = "/") -> Heard:
    """Send so many requests over so many keep-alive connections."""
    return asyncio.run(_asked(port, connections, lambda heard: heard.count < requests, path))


def clients_until(
    port: int, connections: int, stopped: Callable[[], bool], most: int, pause: float = 0.0
) -> Heard:
    """Keep connections busy until told to stop; at most ``most`` requests."""
    wanted = lambda heard: not stopped() and heard.count < most  # noqa: E731
    return asyncio.run(_asked(port, connections, wanted, "/", pause))


async def _asked(
    port: int,
    connections: int,
    wanted: Callable[[Heard], bool],
    path: str,
    pause: float = 0.0,
) -> Heard:
    heard = Heard()
    taken = itertools.count()

    async def client() -> None:
        connection = Connection("127.0.0.1", port)
        try:
            while wanted(heard):
                next(taken)
                try:
                    async with asyncio.timeout(10):
                        answer = await connection.exchange(Request("GET", path))
                except (Lost, TimeoutError) as error:
                    connection.close()
                    heard.lost[str(error) or "no answer"] += 1
                    continue
                heard.statuses[answer.status] += 1
                heard.versions[answer.headers.get("x-canary-version", "")] += 1
                heard.bodies[answer.body.decode()] += 1
                if pause:
                    await asyncio.sleep(pause)
        finally:
            connection.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return heard


def eventually(true: Callable[[], bool], within: float = 10.0) -> bool:
    """Ask until it is so; False when it never is."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False
