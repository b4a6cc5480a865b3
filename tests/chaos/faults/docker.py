"""Faults of Docker: its daemon restarted, hanging, gone, out of reach; NGINX's container."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace

from tests.chaos.docker_site import LEASE, DockerSite
from tests.chaos.faults import processes
from tests.chaos.faults.base import Cell, Fault, Overrides
from tests.chaos.faults.network import Net, Proxy
from tests.chaos.own_engine import Engine

_PHASES = ("preflight", "taking", "shifting 2", "observing 2", "returning", "draining")


def _site(cell: Cell) -> DockerSite:
    assert isinstance(cell.world.site, DockerSite)
    return cell.world.site


def _engine(cell: Cell) -> Engine:
    engine = _site(cell).engine
    assert engine is not None
    return engine


def _does(verb: str) -> Callable[[Cell], None]:
    return lambda cell: _site(cell).act(verb)


def _up(cell: Cell) -> None:
    _engine(cell).start()


def _again(cell: Cell) -> None:
    _site(cell).start_nginx()


def _restarted(cell: Cell) -> None:
    _engine(cell).kill(signal.SIGTERM)
    _engine(cell).start()


def _cut_off(cell: Cell) -> Overrides:
    own = cell.world.site.base / "cut.sock"
    own.unlink(missing_ok=True)
    proxy = Proxy(path=str(_engine(cell).socket), own=str(own))
    cell.ending.callback(proxy.close)
    cell.notes["net"] = proxy
    return {"gateway": {"docker_host": f"unix://{own}"}}


def _network(net: Net) -> Fault:
    def strike(cell: Cell) -> None:
        cell.notes["net"].net = net

    def heal(cell: Cell) -> None:
        cell.notes["net"].net = Net.WHOLE

    return Fault(f"network to docker: {net.value}", strike, heal, _cut_off, 3.0, phases=_PHASES)


_KILLS = {fault.name: fault for fault in processes.FAULTS if fault.kills}

FAULTS: tuple[Fault, ...] = (
    replace(
        _KILLS["SIGKILL orchestrator"],
        name="SIGKILL orchestrator, docker",
        phases=_PHASES,
    ),
    replace(
        _KILLS["SIGKILL both"], name="SIGKILL both, docker", within=LEASE + 2.0, phases=_PHASES
    ),
    Fault(
        "dockerd hanging",
        lambda cell: _engine(cell).send(signal.SIGSTOP),
        lambda cell: _engine(cell).send(signal.SIGCONT),
        lasts=4.0,
        phases=_PHASES,
    ),
    Fault("dockerd gone", lambda cell: _engine(cell).kill(), _up, lasts=4.0, phases=_PHASES),
    Fault("dockerd restarted", _restarted, _up, phases=_PHASES),
    _network(Net.CUT),
    _network(Net.HOLE),
    Fault("container killed", _does("kill"), _again, lasts=3.0, phases=_PHASES),
    Fault("container paused", _does("pause"), _again, lasts=3.0, phases=_PHASES),
    Fault("container restarted", _does("restart"), phases=_PHASES),
    Fault(
        "container recreated",
        lambda cell: _site(cell).recreate(),
        phases=_PHASES,
        empties=True,
    ),
)
