"""A weight change through Docker, in process and with its proof, against the shell way.

The shell way is three commands: ``docker cp``, ``docker exec nginx -t``, ``docker exec nginx
-s reload``. It tests what is in place already and proves nothing.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread
from time import perf_counter

from benchmarks.docker_gateway import LIVE, DockerGateway, docker_gateway
from benchmarks.figure import Figure, NotRunnable, Settings, interleaved, ms, took
from benchmarks.gateway import nginx_version
from benchmarks.stopwatch import Laps, TimedHost
from canaryctl.core.weight import Weight
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.nginx import NginxRouter
from canaryctl.drivers.nginx_control import Control
from canaryctl.ports import Host, Mark, Reload, Run

AT_MOST = 1.5
REST = "proof, rendering, lock"
FIRST = "of the proof: until the new generation first answers"
_WEIGHTS = ("1", "5", "25", "100")
_NAME = "weight_change"
_PATIENCE_S = 10.0


def run(settings: Settings) -> Iterator[Figure]:
    """Give the ratio, what the first change of a process costs, and where the time goes."""
    docker = shutil.which("docker")
    if docker is None:
        raise NotRunnable("needs the docker command, which is the other side of the ratio")
    with docker_gateway() as gateway, TemporaryDirectory(prefix="canaryctl-bench-") as folder:
        host, laps, weights = gateway.build().host, Laps(), cycle(_WEIGHTS)
        router = gateway.build().router
        router.host = TimedHost(router.host, laps)
        shell = _Shell(docker, gateway.name, Path(folder) / "upstream.conf", host)
        parts: list[dict[str, float]] = []

        def ours() -> float:
            laps.reset()
            whole = took(lambda: _set(router, next(weights)))
            parts.append({**laps.by_name, REST: whole - laps.total})
            return whole

        def fresh() -> float:
            # Making the parts and connecting to the engine is part of it, importing is not.
            return took(lambda: _set(gateway.build().router, next(weights)))

        def theirs() -> float:
            shell.prepare()
            return took(shell.change)

        rounds = interleaved([ours, theirs, fresh], settings.repeats(20, 1))
        del parts[0]  # the round that only warmed up
        changed, shelled, first = zip(*rounds, strict=True)
        yield Figure(
            _NAME,
            "in process, proven ÷ docker cp + two docker exec",
            _over(changed, shelled),
            at_most=AT_MOST,
            note=f"{ms(changed)} ÷ {ms(shelled)}; NGINX {nginx_version(host)} in a container",
        )
        yield Figure(
            _NAME,
            "the first one of a process ÷ docker cp + two docker exec",
            _over(first, shelled),
            note=f"{ms(first)} ÷ {ms(shelled)}: connects, and looks NGINX over first",
        )
        for part in sorted({name for one in parts for name in one}):
            times = [one.get(part, 0.0) for one in parts]
            yield Figure(_NAME, f"{part} ÷ the change", _over(times, changed), note=ms(times))
        acts = _alone(gateway, host)
        control = Control(gateway.verify, SystemClock())
        acts[FIRST] = lambda: _first_answer(router, control, laps, next(weights))
        usual = median(changed)
        steps = interleaved(list(acts.values()), settings.repeats(20, 1))
        for name, seconds in zip(acts, zip(*steps, strict=True), strict=True):
            values = tuple(one / usual for one in seconds)
            yield Figure(_NAME, f"{name} ÷ the change", values, note=ms(seconds))


def _set(router: NginxRouter, weight: str) -> None:
    router.set(Weight.parse(weight), Mark(reason="benchmark"), None)


def _over(some: Sequence[float], others: Sequence[float]) -> tuple[float, ...]:
    return tuple(one / other for one, other in zip(some, others, strict=True))


@dataclass(frozen=True, slots=True)
class _Shell:
    """The documents' three commands."""

    docker: str
    container: str
    file: Path
    host: Host

    def prepare(self) -> None:
        """Take the text of the last change: rendering is not charged to the shell way."""
        self.file.write_text(self.host.read(LIVE) or "", encoding="utf-8")

    def change(self) -> None:
        """Copy, test, reload."""
        self._run("cp", str(self.file), f"{self.container}:{LIVE}")
        self._run("exec", self.container, "nginx", "-t")
        self._run("exec", self.container, "nginx", "-s", "reload")

    def _run(self, *words: str) -> None:
        subprocess.run([self.docker, *words], check=True, capture_output=True, timeout=60)


def _alone(gateway: DockerGateway, host: Host) -> dict[str, Callable[[], float]]:
    """Give single steps, each in a call of its own."""
    control = Control(gateway.verify, SystemClock())
    return {
        "alone: reading the live file": lambda: took(lambda: host.read(LIVE)),
        "alone: an exec that does nothing": lambda: took(lambda: host.perform([])),
        "alone: an exec with nginx -t": lambda: took(lambda: host.perform([Run(("-t", "-q"))])),
        "alone: an exec with a reload": lambda: took(lambda: host.perform([Reload()])),
        "alone: one question to NGINX": lambda: took(control.ask),
    }


def _first_answer(router: NginxRouter, control: Control, laps: Laps, weight: str) -> float:
    """Make a change; time from the end of its exec until the new generation first answers."""
    before = control.ask().generation
    change = Thread(target=_set, args=(router, weight))
    began = perf_counter()
    change.start()
    try:
        while control.ask().generation == before:
            if perf_counter() - began > _PATIENCE_S:
                raise RuntimeError(f"no new generation answered within {_PATIENCE_S:g} s")
        first = perf_counter()
    finally:
        change.join()
    return max(0.0, first - laps.performed_at)
