"""``kill -9`` at any moment of a weight change: what is on disk passes ``nginx -t``, always."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from canaryctl.core.weight import Weight
from canaryctl.drivers.template import Address, intact, parse_header
from canaryctl.ports import Mark
from tests.drivers.gateways import (
    MAIN,
    PUBLISHED,
    Gateway,
    docker_gateway,
    eventually,
    local_gateway,
    nginx_command,
    percent,
)

SEED = 20_240_229
KILLS, KILLS_IN_DOCKER = 200, 20
# Seconds from the start of a child, which at once looks around and begins to change weights: where
# `Moments` begin.
LATEST, LATEST_IN_DOCKER = 0.12, 0.9

# Forks a child that changes weights until it is killed, one for each line that it reads. The
# imports are done once.
_FORKER = textwrap.dedent("""
    import itertools, os, sys
    from pathlib import Path
    from canaryctl.core.weight import Weight
    from canaryctl.drivers import docker_host, docker_script, local_host  # noqa
    from canaryctl.drivers.template import Address
    from canaryctl.ports import Mark
    import docker, jinja2.sandbox  # noqa
    from tests.drivers.gateways import _gateway

    kind, where, folder, control, live, stable, canary, *rest = sys.argv[1:]
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            if kind == "local":
                host = local_host.LocalHost(
                    binary=where, prefix=folder, main=rest[0], pid_file=rest[1]
                )
            else:
                host = docker_host.DockerHost(
                    where, docker_host=rest[0], binary="nginx",
                    prefix="/etc/nginx", main="/etc/nginx/nginx.conf",
                )
            listen = f"127.0.0.1:{control}" if kind == "local" else "9180"
            gateway = _gateway(
                host, Path(folder), 0, int(control), listen, live,
                [Address(stable)], [Address(canary)],
            )
            for weight in itertools.cycle((100, 5000, 10000, 0)):
                mark = Mark("v1", "r", f"me@here:{os.getpid()}", "x" * 500)
                gateway.router.set(Weight(weight), mark, None)
        print(pid, flush=True)
        if sys.stdin.readline() != "dead\\n":
            break
        _, status = os.waitpid(pid, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else f"exit {status}", flush=True)
""")


class Moments:
    """Random moments of which about half come before the first change, however slow things are."""

    def __init__(self, latest: float) -> None:
        self._chance = random.Random(SEED)  # noqa: S311
        self._latest = latest
        self.seen: set[str] = set()

    def next(self) -> float:
        """Give how many seconds to wait."""
        return self._chance.uniform(0, self._latest)

    def found(self, generation: str) -> None:
        """Come earlier after a change than after none."""
        self._latest *= 1.15 if generation in self.seen else 0.9
        self.seen.add(generation)


class Forker:
    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _FORKER, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _line(self, text: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def started(self) -> int:
        return int(self._line("fork"))

    def killed(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        assert self._line("dead") == str(int(signal.SIGKILL)), "it ended by itself"

    def close(self) -> None:
        self.process.communicate(timeout=10)


def _forked(*arguments: object) -> Iterator[Forker]:
    forker = Forker(*arguments)
    yield forker
    forker.close()


@pytest.fixture
def gateway(tmp_path: Path, nginx_binary: Path, free_port: Callable[[], int]) -> Iterator[Gateway]:
    stable, canary = (Address(f"127.0.0.1:{free_port()}") for _ in range(2))
    made = local_gateway(tmp_path, str(nginx_binary), free_port, [stable], [canary])
    assert made.site is not None
    yield made
    made.site.stop()


@pytest.fixture
def forker(gateway: Gateway) -> Iterator[Forker]:
    assert gateway.site is not None
    site, routing = gateway.site, gateway.made["routing"]
    addresses = routing.stable[0].address, routing.canary[0].address
    where = site.binary, site.folder, gateway.control, gateway.live
    yield from _forked("local", *where, *addresses, site.main, site.at("nginx.pid"))


@pytest.mark.slow
def test_killed_at_any_moment_what_is_on_disk_passes(gateway: Gateway, forker: Forker) -> None:
    assert gateway.site is not None
    gateway.router.set(Weight.ZERO, Mark(), None)
    live, moments = Path(gateway.live), Moments(LATEST)
    unfinished = 0
    for kill in range(KILLS):
        child = forker.started()
        time.sleep(moments.next())
        forker.killed(child)
        text = live.read_text()
        assert gateway.site.passes() == "", f"after kill {kill + 1}"
        assert intact(text), f"after kill {kill + 1}"
        state = parse_header(text)
        assert state is not None
        moments.found(state["generation"])
        unfinished += any(live.parent.glob(".canaryctl-*"))
    # The moments were such that it mattered: some before, some after the swap, some amid.
    assert KILLS / 10 < len(moments.seen) < KILLS
    assert unfinished > 5
    # And it goes on as if nothing had been, with nothing left over.
    assert gateway.fresh().set(percent("5"), Mark(), None).weight == percent("5")
    assert gateway.site.passes() == ""
    assert list(gateway.site.folder.rglob(".canaryctl-*")) == []


@pytest.mark.docker
@pytest.mark.slow
def test_killed_at_any_moment_while_an_engine_changes_it(
    base_image: str, run_container: Any, docker_url: str, tmp_path: Path
) -> None:
    container = run_container(base_image, nginx_command(MAIN), ports=PUBLISHED)
    stable, canary = "127.0.0.1:8000", "127.0.0.1:8001"
    gateway = docker_gateway(container, docker_url, tmp_path, [Address(stable)], [Address(canary)])
    gateway.router.set(Weight.ZERO, Mark(), None)
    host, moments = gateway.made["host"], Moments(LATEST_IN_DOCKER)
    where = container.name, tmp_path, gateway.control, gateway.live, stable, canary
    for forker in _forked("docker", *where, docker_url):
        for kill in range(KILLS_IN_DOCKER):
            child = forker.started()
            time.sleep(moments.next())
            forker.killed(child)
            tested = container.exec_run(
                ["nginx", "-t", "-q", "-p", "/etc/nginx", "-c", "/etc/nginx/nginx.conf"]
            )
            assert tested.exit_code == 0, f"after kill {kill + 1}: {tested.output}"
            text = host.read(gateway.live)
            assert intact(text), f"after kill {kill + 1}"
            moments.found((parse_header(text) or {})["generation"])
    assert len(moments.seen) > 2
    proof = gateway.fresh().set(Weight.ZERO, Mark(), None)
    # What a killed process had told the engine does not come into force after this.
    assert not eventually(lambda: gateway.router.generation() != proof.generation, within=1)
    said = container.exec_run(["ls", "-a", "/etc/nginx", "/etc/nginx/conf.d"]).output.decode()
    assert ".canaryctl-" not in said
    host.close()
