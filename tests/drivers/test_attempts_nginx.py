"""A real NGINX's log of attempts against what clients and servers saw."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.weight import Weight
from canaryctl.drivers.attempts import NginxAttempts
from canaryctl.drivers.template import Abilities, Address, Routing, render
from canaryctl.ports import Counting, Mark
from tests.drivers.gateways import (
    MAIN,
    OLD_NGINX,
    PACKAGED,
    PUBLISHED,
    Gateway,
    asked,
    docker_gateway,
    eventually,
    local_gateway,
    nginx_command,
    percent,
    says,
)
from tests.drivers.real_nginx import listens
from tests.drivers.refusing_server import RefusingServer

NAME = "canaryctl-attempts.log"
Make = Callable[..., Gateway]
SAMPLED = 10


@pytest.fixture(params=["current", OLD_NGINX])
def binary(request: pytest.FixtureRequest, nginx_binary: Path) -> str:
    if request.param == "current":
        return str(nginx_binary)
    if not Path(request.param).exists():
        pytest.skip("no nginx is installed (package nginx-light)")
    return str(request.param)


@pytest.fixture
def gateway_for(tmp_path: Path, binary: str, free_port: Callable[[], int]) -> Iterator[Make]:
    made: list[Gateway] = []

    def make(stable: list[int], canary: list[int], **options: Any) -> Gateway:
        both = ([Address(f"127.0.0.1:{port}") for port in side] for side in (stable, canary))
        made.append(local_gateway(tmp_path, binary, free_port, *both, **options))
        return made[-1]

    yield make
    for gateway in made:
        assert gateway.site is not None
        gateway.site.stop()


@pytest.fixture
def servers() -> Iterator[Callable[..., RefusingServer]]:
    with contextlib.ExitStack() as up:
        yield lambda resets=0.0: up.enter_context(RefusingServer(resets))


def log_of(gateway: Gateway) -> Path:
    assert gateway.site is not None
    return Path(gateway.site.at(f"logs/{NAME}"))


def counting(gateway: Gateway) -> Counting:
    found = NginxAttempts(gateway.made["host"], str(log_of(gateway)))
    assert found.read() is None
    return found


def total(reader: Counting, until: Callable[[Attempts], bool]) -> Attempts:
    """Read until all of it was written: NGINX logs a request just after its last byte."""
    seen = Attempts(0, 0, 0, 0)

    def enough() -> bool:
        more = reader.read()
        assert more is not None
        seen.canary += more.canary
        seen.canary_failed += more.canary_failed
        seen.stable += more.stable
        seen.stable_failed += more.stable_failed
        return until(seen)

    assert eventually(enough), seen
    return seen


def near(sampled: float, true: int) -> bool:
    """Tell whether a count of one in ten is within five standard deviations."""
    return abs(sampled - true) <= 5 * math.sqrt(true * (SAMPLED - 1))


def test_at_ten_percent_the_counts_are_what_the_servers_saw(
    gateway_for: Make, servers: Callable[..., RefusingServer]
) -> None:
    stable, canary = servers(), servers()
    gateway = gateway_for([stable.port], [canary.port])
    gateway.router.set(percent("10"), Mark(), None)
    reader = counting(gateway)
    heard = asked(gateway.port, 2000, 4)
    assert heard.statuses == {200: heard.count}
    assert heard.versions["canary"] == canary.answered
    seen = total(reader, lambda all_: all_.canary >= canary.answered)
    assert abs(canary.answered - heard.count / 10) <= 1
    assert (seen.canary, seen.canary_failed, seen.stable_failed) == (canary.answered, 0, 0)
    assert seen.stable % SAMPLED == 0
    assert near(seen.stable, stable.answered)
    # Small: a line for each request at the canary and for one in ten of the others.
    lines = log_of(gateway).read_text().splitlines()
    assert set(lines) == {"1 c 200", "10 s 200"}
    assert len(lines) == seen.canary + seen.stable / SAMPLED


def test_at_zero_nothing_is_written_and_at_a_hundred_everything(
    gateway_for: Make, servers: Callable[..., RefusingServer]
) -> None:
    stable, canary = servers(), servers()
    gateway = gateway_for([stable.port], [canary.port])
    gateway.router.set(Weight.ZERO, Mark(), None)
    reader = counting(gateway)
    asked(gateway.port, 200)
    gateway.router.set(Weight.FULL, Mark(), None)
    assert reader.read() == Attempts(0, 0, 0, 0)
    asked(gateway.port, 200)
    assert total(reader, lambda all_: all_.canary >= 200) == Attempts(200, 0, 0, 0)
    assert stable.answered == canary.answered == 200
    assert log_of(gateway).read_text() == "1 c 200\n" * 200


def test_a_canary_that_resets_six_of_ten_is_seen_though_no_client_sees_it(
    gateway_for: Make, servers: Callable[..., RefusingServer]
) -> None:
    stable, canary = servers(), servers(0.6)
    gateway = gateway_for([stable.port], [canary.port])
    gateway.router.set(percent("20"), Mark(), None)
    reader = counting(gateway)
    heard = asked(gateway.port, 1000, 4)
    assert heard.statuses == {200: heard.count}
    tried = canary.answered + canary.reset
    assert abs(canary.reset - 0.6 * tried) <= 1
    seen = total(reader, lambda all_: all_.canary >= tried)
    assert (seen.canary, seen.canary_failed) == (tried, canary.reset)
    assert seen.stable_failed == 0
    # The retries are counted one by one, the others by one in ten.
    assert near(seen.stable - canary.reset, stable.answered - canary.reset)
    assert (seen.stable - canary.reset) % SAMPLED == 0


def test_a_canary_with_closed_ports_among_its_addresses(
    gateway_for: Make,
    servers: Callable[..., RefusingServer],
    free_port: Callable[[], int],
) -> None:
    stable, canaries = servers(), [servers() for _ in range(2)]
    closed = [free_port() for _ in range(3)]
    gateway = gateway_for([stable.port], [*closed, *(one.port for one in canaries)])
    gateway.router.set(Weight.FULL, Mark(), None)
    reader = counting(gateway)
    heard = asked(gateway.port, 500)
    assert heard.statuses == {200: 500}
    answered = sum(one.answered for one in canaries)
    seen = total(reader, lambda all_: all_.canary - all_.canary_failed >= answered)
    assert seen.canary - seen.canary_failed == answered == 500
    assert seen.canary_failed >= 0.6 * 500
    assert (seen.stable, seen.stable_failed) == (0, 0)


def test_a_dead_canary_fails_every_attempt(
    gateway_for: Make, servers: Callable[..., RefusingServer]
) -> None:
    stable, canary = servers(), servers()
    gateway = gateway_for([stable.port], [canary.port])
    gateway.router.set(percent("25"), Mark(), None)
    reader = counting(gateway)
    canary.close()
    heard = asked(gateway.port, 400)
    assert heard.statuses == {200: 400}
    assert heard.versions == {"stable": 400}
    seen = total(reader, lambda all_: all_.canary >= 100)
    assert (seen.canary, seen.canary_failed, seen.stable_failed) == (100, 100, 0)


def test_a_canary_that_does_not_answer_in_time(
    gateway_for: Make, servers: Callable[..., RefusingServer]
) -> None:
    stable = servers()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        port = silent.getsockname()[1]
        gateway = gateway_for([stable.port], [port], extra="proxy_read_timeout 200ms;\n")
        gateway.router.set(percent("50"), Mark(), None)
        reader = counting(gateway)
        assert asked(gateway.port, 10).statuses == {200: 10}
        seen = total(reader, lambda all_: all_.canary >= 5)
    assert (seen.canary, seen.canary_failed) == (5, 5)
    assert "1 cs 504, 200\n" in log_of(gateway).read_text()


def test_a_client_that_goes_away_is_no_failure_of_the_canary(
    gateway_for: Make, servers: Callable[..., RefusingServer]
) -> None:
    stable = servers()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        gateway = gateway_for([stable.port], [silent.getsockname()[1]])
        gateway.router.set(Weight.FULL, Mark(), None)
        reader = counting(gateway)
        with socket.create_connection(("127.0.0.1", gateway.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            held, _ = silent.accept()
        seen = total(reader, lambda all_: all_.canary >= 1)
        held.close()
    assert (seen.canary, seen.canary_failed) == (1, 0)
    assert log_of(gateway).read_text() == "1 c -\n"


def test_a_failing_stable_is_counted_one_by_one(
    gateway_for: Make, servers: Callable[..., RefusingServer]
) -> None:
    stable, canary = servers(0.5), servers()
    gateway = gateway_for([stable.port], [canary.port])
    gateway.router.set(percent("10"), Mark(), None)
    reader = counting(gateway)
    heard = asked(gateway.port, 200)
    assert heard.statuses == {200: 200}
    seen = total(reader, lambda all_: all_.stable_failed >= stable.reset)
    assert seen.stable_failed == stable.reset >= 80
    assert seen.canary == canary.answered


def test_a_request_that_is_not_retried_is_counted_too(
    gateway_for: Make, servers: Callable[..., RefusingServer]
) -> None:
    stable, canary = servers(1.0), servers(1.0)
    gateway = gateway_for([stable.port], [canary.port])
    gateway.router.set(percent("25"), Mark(), None)
    reader = counting(gateway)
    statuses = [
        httpx.post(f"http://127.0.0.1:{gateway.port}/", content=b"").status_code for _ in range(40)
    ]
    assert statuses == [502] * 40
    seen = total(reader, lambda all_: all_.canary + all_.stable >= 40)
    assert seen == Attempts(10, 10, 30, 30)


def test_what_another_location_passes_elsewhere_is_not_counted(
    gateway_for: Make, servers: Callable[..., RefusingServer], free_port: Callable[[], int]
) -> None:
    stable, canary, other = servers(), servers(), servers()
    port = free_port()
    elsewhere = f"proxy_pass http://127.0.0.1:{other.port};"
    dead = f"proxy_pass http://127.0.0.1:{port};"
    gateway = gateway_for([stable.port], [canary.port], start=False)
    site = gateway.site
    assert site is not None
    text = site.main.read_text().replace(
        "        location / {",
        f"location /other {{ {elsewhere} }} location /dead {{ {dead} }}\n        location / {{",
    )
    site.main.write_text(text)
    site.start(gateway.port)
    gateway.router.set(percent("50"), Mark(), None)
    reader = counting(gateway)
    assert asked(gateway.port, 500, path="/other").statuses == {200: 500}
    assert asked(gateway.port, 20, path="/dead").statuses == {502: 20}
    asked(gateway.port, 20)
    seen = total(reader, lambda all_: all_.canary >= 10)
    assert (seen.canary, seen.canary_failed, seen.stable_failed) == (10, 0, 0)
    assert seen.stable <= 10 * SAMPLED
    assert set(log_of(gateway).read_text().splitlines()) <= {"1 c 200", "10 s 200"}


def test_a_rotation_by_renaming_loses_a_batch_and_no_more(
    gateway_for: Make, servers: Callable[..., RefusingServer], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stable, canary = servers(), servers()
    gateway = gateway_for([stable.port], [canary.port])
    gateway.router.set(Weight.FULL, Mark(), None)
    log, reader = log_of(gateway), counting(gateway)
    asked(gateway.port, 30)
    total(reader, lambda all_: all_.canary >= 30)
    asked(gateway.port, 10)
    log.rename(log.with_suffix(".1"))
    assert reader.read() is None
    assert gateway.site is not None
    assert gateway.site.process is not None
    os.kill(gateway.site.process.pid, signal.SIGUSR1)
    assert eventually(log.exists)

    def all_in_the_new_file() -> bool:
        began = log.stat().st_size
        whole = began + asked(gateway.port, 20, 4).count * len("1 c 200\n")
        return eventually(lambda: log.stat().st_size == whole, 0.5)

    # Workers open it one by one: what they wrote to the old one meanwhile is not counted.
    assert eventually(all_in_the_new_file)
    assert reader.read() is None
    before = canary.answered
    written = log.stat().st_size
    asked(gateway.port, 50)
    assert total(reader, lambda all_: all_.canary >= 50).canary == 50
    assert canary.answered == before + 50
    assert log.stat().st_size == written + 50 * len("1 c 200\n")


def test_a_user_whose_nginx_has_no_log_of_attempts_notices_nothing(
    tmp_path: Path,
    binary: str,
    servers: Callable[..., RefusingServer],
    free_port: Callable[[], int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The snippets as they were before: no format, no default for the variables, no log."""
    stable, canary = servers(), servers()
    addresses = [Address(f"127.0.0.1:{stable.port}")], [Address(f"127.0.0.1:{canary.port}")]
    gateway = local_gateway(tmp_path, binary, free_port, *addresses, start=False)
    site = gateway.site
    assert site is not None
    lines = site.main.read_text().splitlines(keepends=True)
    old = [
        line
        for line in lines
        if not any(word in line for word in ("attempts", "canaryctl_counted"))
    ]
    assert len(lines) - len(old) >= 4
    site.main.write_text("".join(old))
    site.start(gateway.port)
    try:
        gateway.router.set(percent("50"), Mark(), None)
        assert asked(gateway.port, 20).versions == {"stable": 10, "canary": 10}
        reader = NginxAttempts(gateway.made["host"], str(log_of(gateway)))
        assert [reader.read() for _ in range(3)] == [None] * 3
        assert caplog.text.count("is not there") == 1
    finally:
        site.stop()


def test_a_template_from_before_writes_nothing(
    gateway_for: Make, servers: Callable[..., RefusingServer]
) -> None:
    stable, canary = servers(), servers()
    gateway = gateway_for([stable.port], [canary.port])
    begin = PACKAGED.index("{% if canary.weight %}\n# For the counts of attempts")
    end = PACKAGED.index("# Keep-alive to the backends")
    router = gateway.fresh(source=PACKAGED[:begin] + PACKAGED[end:])
    router.set(percent("50"), Mark(), None)
    reader = counting(gateway)
    assert asked(gateway.port, 20).versions == {"stable": 10, "canary": 10}
    assert reader.read() == Attempts(0, 0, 0, 0)
    assert log_of(gateway).read_text() == ""


STABLE, CANARY = "10.0.0.1:80", "10.0.0.2:80"
MOVED = Abilities(resolve=True, resolver="127.0.0.11")
KINDS = [
    (STABLE, CANARY, f"{CANARY}, {STABLE}", "cs"),
    (STABLE, CANARY, f"{CANARY} : {STABLE}, {CANARY}", "csc"),
    (STABLE, "10.0.0.11:80", f"{STABLE}, 10.0.0.11:80", "sc"),
    ("10.0.0.1:8", "10.0.0.1:80", "10.0.0.1:80, 10.0.0.1:8", "cs"),
    ("10.0.0.1:80", "10.0.0.1:8", "10.0.0.1:8, 10.0.0.1:80", "cs"),
    ("[::1]:80", "[::2]:80", "[::2]:80, [::1]:80", "cs"),
    ("unix:/a.sock", "unix:/a.sock2", "unix:/a.sock2, unix:/a.sock", "cs"),
    ("app:8000", "app-canary:8001", "10.9.9.9:8001, 10.9.9.8:8000", "cs"),
    # No server was left: NGINX writes the upstream's name.
    (STABLE, CANARY, f"{CANARY}, demo", "c-"),
    (STABLE, CANARY, "demo", "-"),
    (STABLE, CANARY, "", ""),
    # No more than there are servers, and one that is tried twice.
    (STABLE, CANARY, ", ".join([CANARY] * 5), "ccc"),
]


def told(binary: str, folder: Path, port: int, text: str, attempts: str) -> str:
    """Have a real NGINX run the maps of a rendered file on a list of attempts."""
    maps = text.partition("# For the counts of attempts")[2].partition("# Which requests")[0]
    maps = f"#{maps}".replace("$upstream_addr", "$http_x_attempts")
    server = f"server {{ listen 127.0.0.1:{port}; return 200 $canaryctl_attempts; }}"
    main = f"pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;\n"
    temporary = " ".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    http = f"events {{}} http {{ access_log off; {temporary}\n{maps}\n{server} }}\n"
    (folder / "nginx.conf").write_text(main + http)
    argv = [binary, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        try:
            assert listens("127.0.0.1", port), (folder / "error.log").read_text()
            answer = httpx.get(f"http://127.0.0.1:{port}/", headers={"X-Attempts": attempts})
            return answer.text
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.mark.parametrize(("stable", "canary", "attempts", "letters"), KINDS)
def test_whose_an_attempt_was_is_told_for_every_kind_of_address(
    binary: str,
    tmp_path: Path,
    free_port: Callable[[], int],
    stable: str,
    canary: str,
    attempts: str,
    letters: str,
) -> None:
    routing = Routing("demo", (Address(stable),), (Address(canary),), "9180")
    for weight in (percent("5"), Weight.FULL):
        text = render(PACKAGED, routing, weight, "1-a", Mark(), Abilities())
        assert told(binary, tmp_path, free_port(), text, attempts) == letters


@pytest.mark.parametrize(("weight", "letters"), [("25", "scs"), ("100", "?cs")])
def test_a_canary_that_may_have_moved_is_taken_for_neither(
    binary: str, tmp_path: Path, free_port: Callable[[], int], weight: str, letters: str
) -> None:
    """Both on one port, and NGINX follows their names: at 100 % the canary's as well."""
    routing = Routing(
        "demo", (Address("app:80", (STABLE,)),), (Address("app-canary:80", (CANARY,)),), "9180"
    )
    text = render(PACKAGED, routing, percent(weight), "1-a", Mark(), MOVED)
    attempts = f"10.0.0.77:80, {CANARY}, {STABLE}"
    assert told(binary, tmp_path, free_port(), text, attempts) == letters


@pytest.mark.docker
def test_a_container_that_goes_away_is_counted_through_the_engine(
    base_image: str,
    run_container: Any,
    docker_network: Any,
    docker_url: str,
    tmp_path: Path,
) -> None:
    where = {"network": docker_network.name}
    stable = run_container(base_image, says("stable", 8000), **where)
    canary = run_container(base_image, says("canary", 8001), **where)
    nginx = run_container(base_image, nginx_command(MAIN), ports=PUBLISHED, **where)
    addresses = [Address(f"{stable.name}:8000")], [Address(f"{canary.name}:8001")]
    gateway = docker_gateway(nginx, docker_url, tmp_path, *addresses)
    host = gateway.made["host"]
    try:
        reader = NginxAttempts(host, f"/var/log/nginx/{NAME}")
        assert reader.read() is None
        gateway.router.set(percent("10"), Mark(), None)
        assert reader.read() == Attempts(0, 0, 0, 0)
        heard = asked(gateway.port, 500)
        assert heard.bodies == {"stable": 450, "canary": 50}
        seen = total(reader, lambda all_: all_.canary >= 50)
        assert (seen.canary, seen.canary_failed, seen.stable_failed) == (50, 0, 0)
        assert near(seen.stable, 450)
        canary.remove(force=True)
        heard = asked(gateway.port, 30)
        assert heard.statuses == {200: 30}
        assert heard.bodies == {"stable": 30}
        seen = total(reader, lambda all_: all_.canary >= 3)
        assert (seen.canary, seen.canary_failed, seen.stable_failed) == (3, 3, 0)
        moved = nginx.exec_run(["sh", "-c", f"cd /var/log/nginx && mv {NAME} {NAME}.1"])
        assert moved.exit_code == 0
        nginx.kill("USR1")
        assert eventually(lambda: host.read(f"/var/log/nginx/{NAME}") is not None)
        assert reader.read() is None
        asked(gateway.port, 10)
        assert total(reader, lambda all_: all_.canary >= 1).canary_failed == 1
    finally:
        host.close()
