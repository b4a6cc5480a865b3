"""The share that clients see against the share that was set.

After each change of the weight the next requests are counted by the version that the
answers name: a reload deals anew, so every run is the beginning of a stage.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figure import Figure, Settings
from benchmarks.gateway import Gateway, gateway, packaged_nginx
from canaryctl.core.weight import Weight
from canaryctl.demo.load import Load
from canaryctl.ports import Mark

WORKERS = 8
CASES = (("1", (1, 1)), ("0.5", (1, 1)), ("5", (3, 2)))
_RATE, _CONNECTIONS = 2000, 50


def run(settings: Settings) -> Iterator[Figure]:
    """Give observed ÷ configured share for each case."""
    requests = 400 if settings.quick else 4000
    binary = packaged_nginx()
    for percent, servers in CASES:
        weight = Weight.parse(percent)
        with gateway(binary, workers=WORKERS, servers=servers) as running:
            seen = [_observed(running, weight, requests) for _ in range(settings.repeats(7, 1))]
        behind = f" over {servers[0]}+{servers[1]} servers" if sum(servers) > 2 else ""  # noqa: PLR2004
        yield Figure(
            "share",
            f"observed ÷ configured at {weight} %{behind}",
            tuple(share / weight.fraction for share in seen),
            note=f"{WORKERS} workers; the first {requests} requests after each change, "
            f"over {_CONNECTIONS} connections",
        )


def _observed(running: Gateway, weight: Weight, requests: int) -> float:
    running.router.set(Weight.ZERO, Mark(reason="between two runs"), None)
    running.router.set(weight, Mark(reason="share"), None)
    seen = Load(running.url, _RATE, requests / _RATE, _CONNECTIONS).run()
    if seen.lost or seen.answered < requests // 2:
        raise RuntimeError(f"of {seen.sent} requests {seen.answered} were answered: {seen}")
    return seen.versions.get("canary", 0) / seen.answered
