"""NGINX killed, stopped, restarted, recreated, its binary hanging; its upstreams killed."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.chaos.faults.base import Cell, Fault, Overrides

_HANGING = """\
#!/bin/sh
# NGINX's binary, which hangs while a file is there: half a minute at most.
i=0
while [ -e '{flag}' ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done
exec '{binary}' "$@"
"""


def _killed(cell: Cell) -> None:
    cell.world.site.kill("nginx")


def _stopped(cell: Cell) -> None:
    cell.world.site.kill("nginx", signal.SIGSTOP)


def _continued(cell: Cell) -> None:
    cell.world.site.kill("nginx", signal.SIGCONT)


def _started(cell: Cell) -> None:
    cell.world.site.start_nginx()


def _restarted(cell: Cell) -> None:
    cell.world.site.stop("nginx")
    cell.world.site.start_nginx()


def _recreated(cell: Cell) -> None:
    """Give it what a new container has: its configuration directory is empty."""
    cell.world.site.kill("nginx")
    cell.world.site.wipe()
    cell.world.site.start_nginx()


def _flag(cell: Cell) -> Path:
    return cell.world.site.base / "hang"


def _wrapped(cell: Cell) -> Overrides:
    wrapper = cell.world.site.base / "nginx-wrapper"
    wrapper.write_text(_HANGING.format(flag=_flag(cell), binary=cell.world.site.binary))
    wrapper.chmod(0o755)
    return {"gateway": {"binary": str(wrapper)}}


def _hang(cell: Cell) -> None:
    _flag(cell).touch()


def _go_on(cell: Cell) -> None:
    _flag(cell).unlink(missing_ok=True)


def _service(name: str, said: str) -> Fault:
    return Fault(
        f"{said} killed",
        lambda cell: cell.world.site.kill(name),
        lambda cell: cell.world.site.start_service(name),
        lasts=2.5,
    )


FAULTS = (
    Fault("nginx killed", _killed, _started, lasts=3.0),
    Fault("nginx SIGSTOP", _stopped, _continued, lasts=3.0),
    Fault("nginx restarted", _restarted),
    Fault("nginx recreated", _recreated, empties=True),
    Fault("nginx -t hangs", _hang, _go_on, _wrapped, lasts=2.5),
    Fault(
        "nginx -t hangs long",
        _hang,
        _go_on,
        _wrapped,
        lasts=12.0,
        phases=("taking", "shifting 3", "observing 2", "returning"),
    ),
    _service("canary", "canary"),
    _service("production", "stable"),
)
