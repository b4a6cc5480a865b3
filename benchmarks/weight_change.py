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
from tempfile import TemporaryDirectory

from benchmarks.docker_gateway import LIVE, docker_gateway
from benchmarks.figure import Figure, NotRunnable, Settings, interleaved, ms, took
from benchmarks.stopwatch import Laps, TimedControl, TimedHost
from canaryctl.core.weight import Weight
from canaryctl.drivers.nginx import NginxRouter
from canaryctl.ports import Host, Mark, Reload, Run, Step

AT_MOST = 1.5
_WEIGHTS = ("1", "5", "25", "100")
_NAME = "weight_change"


def run(settings: Settings) -> Iterator[Figure]:
    """Give the ratio, what the first change of a process costs, and where the time goes."""
    docker = shutil.which("docker")
    if docker is None:
        raise NotRunnable("needs the docker command, which is the other side of the ratio")
    with docker_gateway() as gateway, TemporaryDirectory(prefix="canaryctl-bench-") as folder:
        laps = Laps()
        router, weights = _timed(gateway.build().router, laps), cycle(_WEIGHTS)
        parts: list[dict[str, float]] = []
        shell = _Shell(docker, gateway.name, Path(folder) / "upstream.conf", router)

        def ours() -> float:
            laps.reset()
            whole = took(lambda: _set(router, next(weights)))
            parts.append({**laps.by_name, "render, lock and the rest": whole - laps.total})
            return whole

        def fresh() -> float:
            first = gateway.build().router
            return took(lambda: _set(first, next(weights)))

        def theirs() -> float:
            shell.prepare(next(weights))
            return took(shell.change)

        rounds = interleaved([ours, theirs, fresh], settings.repeats(20, 1))
        del parts[0]  # the round that only warmed up
        changed, shelled, first = zip(*rounds, strict=True)
        where = f"{gateway.image.partition(':')[0]}, NGINX {router.survey().version}"
        yield Figure(
            _NAME,
            "in process, proven ÷ docker cp + two docker exec",
            _over(changed, shelled),
            at_most=AT_MOST,
            note=f"{ms(changed)} ÷ {ms(shelled)}; {where}",
        )
        yield Figure(
            _NAME,
            "the first of a process ÷ docker cp + two docker exec",
            _over(first, shelled),
            note=f"{ms(first)} ÷ {ms(shelled)}: connects, and looks NGINX over first",
        )
        for part in parts[0]:
            times = [one[part] for one in parts]
            yield Figure(_NAME, f"{part} ÷ the change", _over(times, changed), note=ms(times))
        yield from _inside(gateway.build().host, changed, settings)


def _timed(router: NginxRouter, laps: Laps) -> NginxRouter:
    control = router.control
    router.host = TimedHost(router.host, laps)
    router.control = TimedControl(control.url, control.clock, laps)
    router.survey()
    return router


def _set(router: NginxRouter, weight: str) -> None:
    router.set(Weight.parse(weight), Mark(reason="benchmark"), None)


def _over(some: Sequence[float], others: Sequence[float]) -> tuple[float, ...]:
    return tuple(one / other for one, other in zip(some, others, strict=True))


@dataclass(slots=True)
class _Shell:
    """The documents' three commands."""

    docker: str
    container: str
    file: Path
    router: NginxRouter
    count: int = 0

    def prepare(self, weight: str) -> None:
        """Render beforehand: the shell way is only charged for what it runs."""
        self.count += 1
        text = self.router.rendered(Weight.parse(weight), f"{self.count}-shell", Mark())
        self.file.write_text(text, encoding="utf-8")

    def change(self) -> None:
        """Copy, test, reload."""
        self._run("cp", str(self.file), f"{self.container}:{LIVE}")
        self._run("exec", self.container, "nginx", "-t")
        self._run("exec", self.container, "nginx", "-s", "reload")

    def _run(self, *words: str) -> None:
        subprocess.run([self.docker, *words], check=True, capture_output=True, timeout=60)


def _inside(host: Host, changed: Sequence[float], settings: Settings) -> Iterator[Figure]:
    """Give what single steps cost in an exec of their own, against a whole change."""
    alone: dict[str, list[Step]] = {
        "an exec that does nothing": [],
        "an exec with nginx -t": [Run(("-t", "-q"))],
        "an exec with a reload": [Reload()],
    }

    def timed(steps: list[Step]) -> Callable[[], float]:
        return lambda: took(lambda: host.perform(steps))

    rounds = interleaved([timed(steps) for steps in alone.values()], settings.repeats(20, 1))
    usual = sorted(changed)[len(changed) // 2]
    for name, times in zip(alone, zip(*rounds, strict=True), strict=True):
        values = tuple(one / usual for one in times)
        yield Figure(_NAME, f"{name} ÷ the change", values, note=ms(times))
