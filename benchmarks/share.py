"""The share that clients see against the share that was set.

After each change of the weight the next requests are counted by the version that the
answers name: a reload deals anew, so every run is the beginning of a stage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.figure import Figure, Settings
from benchmarks.gateway import Gateway, gateway, packaged_nginx
from canaryctl.core.weight import Weight
from canaryctl.demo.load import Load
from canaryctl.ports import Mark
from canaryctl.resources import shipped

WORKERS = 8
_RATE, _CONNECTIONS = 1500, 50
_MOST_RUNS, _ENOUGH = 10, 0.9


@dataclass(frozen=True, slots=True)
class Case:
    """One share to look at.

    Attributes:
        percent: what is set.
        requests: how many are counted after each change.
        servers: addresses of stable and of the canary.
        zone: whether the workers share one table of peers, as in the packaged template.
    """

    percent: str
    requests: int
    servers: tuple[int, int] = (1, 1)
    zone: bool = True

    @property
    def name(self) -> str:
        """What is compared."""
        behind = "" if self.servers == (1, 1) else " over {}+{} servers".format(*self.servers)
        without = "" if self.zone else ", without `zone`"
        return f"observed ÷ configured at {self.percent} %{behind}{without}"


# The last one is for comparison: each worker keeps its own turn.
CASES = (
    Case("1", 4000),
    Case("0.5", 4000),
    Case("5", 4000, (3, 2)),
    Case("1", 4000, zone=False),
)


def run(settings: Settings) -> Iterator[Figure]:
    """Give observed ÷ configured share for each case."""
    binary = packaged_nginx()
    for case in CASES:
        requests = min(case.requests, 400) if settings.quick else case.requests
        weight = Weight.parse(case.percent)
        template = None if case.zone else _without_zone()
        with gateway(binary, workers=WORKERS, servers=case.servers, template=template) as running:
            seen = [_observed(running, weight, requests) for _ in range(settings.repeats(7, 1))]
        yield Figure(
            "share",
            case.name,
            tuple(share / weight.fraction for share in seen),
            note=f"{WORKERS} workers; the first {requests} requests after each change, "
            f"over {_CONNECTIONS} connections",
        )


def _without_zone() -> str:
    """Give the packaged template as it would be without a table that the workers share."""
    text = shipped("nginx/upstream.conf.j2").read_text(encoding="utf-8")
    zone = "    zone {{ zone }} 512k;\n"
    if zone not in text:
        raise RuntimeError(f"nginx/upstream.conf.j2 no longer says {zone!r}")
    return text.replace(zone, "")


def _observed(running: Gateway, weight: Weight, requests: int) -> float:
    running.router.set(Weight.ZERO, Mark(reason="between two runs"), None)
    running.router.set(weight, Mark(reason="share"), None)
    canary = answered = 0
    for _ in range(_MOST_RUNS):  # a busy machine sends fewer than were asked for
        seen = Load(running.url, _RATE, (requests - answered) / _RATE, _CONNECTIONS).run()
        if seen.lost:
            raise RuntimeError(f"{seen.lost} requests were lost: {seen}")
        canary += seen.versions.get("canary", 0)
        answered += seen.answered
        if answered >= requests * _ENOUGH:
            return canary / answered
    raise RuntimeError(f"of {requests} requests {answered} were answered in {_MOST_RUNS} runs")
