"""Which workers a host sees, and what those that are shutting down still hold."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_host import DockerHost
from canaryctl.drivers.local_host import LocalHost
from canaryctl.ports import Host, Reload, Worker
from tests.drivers.gateways import OLD_NGINX, eventually, make_site, nginx_command
from tests.drivers.real_nginx import listens
from tests.fakes import FakeHost

# A server that answers slowly keeps a request, and so its connections, under way.
_MAIN = """\
{user} worker_processes 2; pid {pid}; error_log {log} notice;
events {{ worker_connections 64; }}
http {{ access_log off; keepalive_timeout 60s; {temporary}
  server {{ listen {listen}; location / {{ return 200 here; }}
    location /slow {{ limit_rate_after 1000; limit_rate 10; alias {big}; }} }} }}
"""
BIG = "x" * 4000


@dataclass
class Running:
    """An NGINX with two workers, and what a test has to know of it."""

    host: Host
    port: int


@contextmanager
def local(
    binary: str, tmp_path: Path, free_port: Callable[[], int], *, by_pid_file: bool
) -> Iterator[Running]:
    port = free_port()
    (tmp_path / "big").write_text(BIG)
    (tmp_path / "big").chmod(0o644)
    temporary = " ".join(
        f"{name}_temp_path {tmp_path}/t-{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = _MAIN.format(
        user="",
        pid=f"{tmp_path}/nginx.pid",
        log=f"{tmp_path}/logs/error.log",
        temporary=temporary,
        listen=f"127.0.0.1:{port}",
        big=f"{tmp_path}/big",
    )
    site = make_site(tmp_path, binary, main)
    pid_file = site.at("nginx.pid") if by_pid_file else None
    host = LocalHost(binary, str(tmp_path), str(site.main), pid_file)
    try:
        site.start(port)
        yield Running(host, port)
    finally:
        site.stop()


@contextmanager
def in_docker(user: str, base_image: str, docker_url: str, run_container: Any) -> Iterator[Running]:
    main = _MAIN.format(
        user=user,
        pid="/run/nginx.pid",
        log="/dev/stderr",
        temporary="",
        listen="80",
        big="/etc/nginx/big",
    )
    command = nginx_command(main)
    command[2] = f"printf %4000s x > /etc/nginx/big; {command[2]}"
    container = run_container(base_image, command, ports={"80/tcp": ("127.0.0.1", None)})
    port = int(container.ports["80/tcp"][0]["HostPort"])
    assert listens("127.0.0.1", port)
    host = DockerHost(container.name, docker_host=docker_url, binary="nginx", prefix="/etc/nginx")
    try:
        yield Running(host, port)
    finally:
        host.close()


@pytest.fixture(
    params=[
        "current",
        OLD_NGINX,
        "no pid file",
        pytest.param("", marks=pytest.mark.docker),
        pytest.param("user nobody nogroup;", marks=pytest.mark.docker),
    ]
)
def running(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    nginx_binary: Path,
    free_port: Callable[[], int],
    docker_url: str,
) -> Iterator[Running]:
    kind: str = request.param
    if not kind or kind.startswith("user"):
        parts = [request.getfixturevalue(name) for name in ("base_image", "run_container")]
        with in_docker(kind, parts[0], docker_url, parts[1]) as found:
            yield found
    else:
        binary = OLD_NGINX if kind == OLD_NGINX else str(nginx_binary)
        with local(binary, tmp_path, free_port, by_pid_file=kind != "no pid file") as found:
            yield found


def slow(port: int, stack: ExitStack) -> http.client.HTTPResponse:
    """Begin a request whose answer takes minutes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    stack.callback(connection.close)
    connection.request("GET", "/slow")
    response = connection.getresponse()
    stack.callback(response.close)
    assert response.read(1)
    return response


def split(workers: Sequence[Worker]) -> tuple[set[int], set[int]]:
    """Give the pids of those that serve, and of those that are shutting down."""
    return (
        {one.pid for one in workers if not one.old},
        {one.pid for one in workers if one.old},
    )


def test_the_workers_of_several_generations_are_told_apart(running: Running) -> None:
    began = time.monotonic()
    first, none = split(running.host.workers())
    assert (len(first), none) == (2, set())
    with ExitStack() as stack:
        held: list[set[int]] = []
        for turn in (1, 2, 3):
            current, _ = split(running.host.workers())
            for _ in range(turn):
                slow(running.port, stack)
            assert running.host.perform([Reload()]).completed == 1

            def replaced(before: set[int] = current) -> bool:
                now, _ = split(running.host.workers())
                return len(now) == 2 and not now & before

            assert eventually(replaced)
            _, old = split(running.host.workers())
            held.append(old & current)
            assert held[-1], "nobody kept the slow answer"
        seen = running.host.workers()
        counts = {one.pid: one.connections for one in seen if one.old}
        # Three generations, each with the slow answers it began: nothing else is counted.
        assert [sum(counts[pid] or 0 for pid in pids) for pids in held] == [1, 2, 3]
        assert None not in counts.values()
        assert {one.connections for one in seen if not one.old} == {None}
        assert [one.age for one in seen] == sorted(one.age for one in seen)
        for one in seen:
            assert 0 <= one.age <= time.monotonic() - began + 15
    assert eventually(lambda: not split(running.host.workers())[1])


def test_the_fake_gives_what_it_was_told_the_youngest_first() -> None:
    fake = FakeHost()
    assert [one.old for one in fake.workers()] == [False]
    fake.crew = lambda: (Worker(7, old=True, age=9.0, connections=3), Worker(8, False, 1.0, None))
    assert [one.pid for one in fake.workers()] == [8, 7]
    fake.unreachable = "gone"
    with pytest.raises(HostError, match="gone"):
        fake.workers()


def test_a_local_nginx_that_does_not_run_is_named(tmp_path: Path) -> None:
    missing = LocalHost(prefix=str(tmp_path), pid_file=str(tmp_path / "none.pid"))
    with pytest.raises(HostError, match=r"cannot read .*none\.pid") as caught:
        missing.workers()
    assert "NGINX runs" in caught.value.next_step
    (tmp_path / "self.pid").write_text("1\n")
    with pytest.raises(HostError, match=r"self\.pid names process 1"):
        LocalHost(pid_file=str(tmp_path / "self.pid")).workers()
    (tmp_path / "text.pid").write_text("nginx\n")
    with pytest.raises(HostError, match="holds 'nginx', not a process id"):
        LocalHost(pid_file=str(tmp_path / "text.pid")).workers()


@pytest.mark.docker
def test_a_container_without_nginx_is_named(
    base_image: str, docker_url: str, run_container: Any
) -> None:
    container = run_container(base_image, ["sleep", "600"])
    host = DockerHost(container.name, docker_host=docker_url)
    try:
        with pytest.raises(HostError, match="no master process of NGINX") as caught:
            host.workers()
        assert container.name in str(caught.value)
    finally:
        host.close()
