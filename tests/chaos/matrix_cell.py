"""One cell of the fault matrix: a rollout brought to a phase, a fault, and what became of it."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from signal import SIGTERM

from canaryctl.core.errors import CanaryctlError
from tests.chaos import safe
from tests.chaos.faults.base import BEFORE_TRAFFIC, Cell, Fault
from tests.chaos.running import ChaosError, Event, Running, canaryctl
from tests.chaos.world import World

STAGES = (1, 5, 25, 100)
END_WITHIN = 45.0
"""Seconds for a rollout to end, once the fault is healed or over."""
GUARD_WITHIN = 40.0
"""Seconds in which a guard has brought a gateway back that was out of reach when it was needed: an
Engine that has just come back may leave a command unanswered for all of its 10 s."""
_LOOK = 0.05
# How long after its phase began a fault strikes at the latest.
_SPAN = {"preflight": 0.6, "taking": 0.4, "shifting": 0.25, "observing": 0.5, "waiting": 0.5}


@dataclass(frozen=True)
class Result:
    """What became of a cell.

    Attributes:
        code: the rollout's exit code, negative after a signal.
        took: seconds from the fault (where NGINX was out of reach, from its end) until traffic
            was where the end says it is; 0 where the rollout went on to its success.
        wrong: what is not as it must be; empty: nothing.
        by_hand: it was reported (exit 3), and `canaryctl recover` was needed.
        why: what the rollout itself gave as the reason of its end.
    """

    fault: str
    phase: str
    code: int | None
    took: float
    wrong: str = ""
    by_hand: bool = False
    why: str = ""


def tried(world: World, fault: Fault, phase: str, seed: int) -> Result:
    """Try one cell; whatever comes of it, the world is as before afterwards."""
    rng = random.Random(f"{seed} {fault.name} {phase}")  # noqa: S311  to be repeated, not secret
    with ExitStack() as ending:
        cell = Cell(world, phase, rng, ending)
        try:
            _ready(world)
            return replace(_tried(cell, fault), why=_reason(cell))
        except (ChaosError, CanaryctlError, OSError) as error:
            code = cell.rollout.code if cell.rollout else None
            return Result(fault.name, phase, code, 0.0, f"{error}", why=_reason(cell))
        finally:
            fault.heal(cell)
            world.clear()
            with contextlib.suppress(CanaryctlError, ChaosError):
                _ready(world)  # while what the cell has started is still there


def _reason(cell: Cell) -> str:
    outcome = cell.rollout.outcome if cell.rollout else None
    return str(outcome["reason"]) if outcome else ""


def _ready(world: World) -> None:
    """Have every part run, and 0 % in force."""
    for name in ("production", "canary"):
        world.site.start_service(name)
    world.site.start_nginx()
    if world.site.weight() == safe.ZERO and not list(safe.nginx_wrong(world.site)):
        return
    try:
        world.set_weight(0)
    except CanaryctlError:
        world.site.stop("nginx")
        world.site.wipe()
        world.site.start_nginx()
        world.set_weight(0)


def _tried(cell: Cell, fault: Fault) -> Result:
    world, site = cell.world, cell.world.site
    overrides = dict(fault.configured(cell))
    stages = [1, 5, {"pause": "1s"}, 25, 100] if cell.phase == "waiting" else list(STAGES)
    overrides["plan"] = {"stages": stages, **overrides.get("plan", {})}
    cell.config = world.config(**overrides)
    env = fault.env(cell)
    if cell.phase == "draining":
        cell.ending.enter_context(_client_that_stays(site.ports.clients))
    cell.rollout = rollout = world.rollout(cell.config, **env)
    _brought_to(cell, rollout)
    began = time.time()
    fault.strike(cell)
    struck = time.monotonic()
    if fault.kills:
        return _after_death(cell, fault, struck)
    watched = _Watched(world, rollout)
    watched.wait(lambda: rollout.code is not None, fault.lasts)
    fault.heal(cell)
    healed = time.monotonic()
    if not watched.wait(lambda: rollout.code is not None, END_WITHIN):
        raise ChaosError(f"it did not end: {rollout.out[-2:]} {rollout.err[-3:]}")
    code = rollout.end(5)
    if fault.codes is not None and code not in fault.codes:
        said = f"exit {code}: {rollout.outcome and rollout.outcome['reason']}"
        raise ChaosError(f"{said}, expected one of {sorted(fault.codes)}")
    if code == safe.UNKNOWN:
        return _after_unknown(cell, fault, healed)
    # What is emptied before anything was set, or after the end, nobody has to fill again.
    untouched = fault.empties and (
        code in (safe.CONFIGURATION, safe.PREFLIGHT) or _said_its_end(rollout, before=began)
    )
    world.safe(code, within=3.0, before=None if untouched else safe.ZERO)
    if watched.wrong:
        raise ChaosError(watched.wrong)
    took = 0.0 if code == safe.SUCCEEDED else watched.back_after(struck)
    return Result(fault.name, cell.phase, code, took)


def _after_death(cell: Cell, fault: Fault, struck: float) -> Result:
    """Wait for whoever returns the traffic of a rollout that died."""
    rollout = cell.orchestrator
    rollout.process.wait(5)
    code = rollout.process.returncode
    if _had_succeeded(rollout):
        cell.world.safe(safe.SUCCEEDED, within=3.0)
        return Result(fault.name, cell.phase, code, 0.0)
    cell.world.zero_answers(fault.within + 8)
    took = time.monotonic() - struck
    cell.world.at_zero(10)  # whoever returned it has proven it, and gives the gateway back
    rollout.end(10)
    if fault.nobody_left and cell.phase in BEFORE_TRAFFIC and list(safe.staged(cell.world.site)):
        cell.world.set_weight(0)  # the next change, which takes it away
    cell.world.safe(code, within=3.0)
    late = f"0 % after {took:.2f} s, more than {fault.within:g} s" if took > fault.within else ""
    return Result(fault.name, cell.phase, code, took, late)


def _had_succeeded(rollout: Running) -> bool:
    """Tell whether it was killed on its last steps, with the gateway given back at 100 %."""
    last = rollout.last_word()
    return last is not None and last["outcome"] == "succeeded"


def _said_its_end(rollout: Running, before: float) -> bool:
    """Tell whether its outcome was out by then, in epoch seconds."""
    outcome = rollout.outcome
    return outcome is not None and datetime.fromisoformat(outcome["at"]).timestamp() <= before


def _after_unknown(cell: Cell, fault: Fault, healed: float) -> Result:
    """It said that it cannot prove anything. Its guard tries on; else a person recovers it."""
    by_hand = False
    try:
        cell.world.at_zero(GUARD_WITHIN)
        took = time.monotonic() - healed
    except ChaosError:
        by_hand, took = True, time.monotonic() - healed
        argv = canaryctl(cell.config, "recover")
        recover = Running(argv, cell.world.environment())
        if (code := recover.end(30)) != 0:
            raise ChaosError(f"exit 3, and recover ended with {code}: {recover.said()}") from None
    cell.world.safe(safe.UNKNOWN, within=8.0)
    return Result(fault.name, cell.phase, safe.UNKNOWN, took, by_hand=by_hand)


class _Watched:
    """Looks at the weight in force while a rollout lives: no other than it has announced."""

    def __init__(self, world: World, rollout: Running) -> None:
        self._world, self._rollout = world, rollout
        self.wrong = ""
        self._last_canary = 0.0

    def wait(self, ended: Callable[[], bool], within: float) -> bool:
        """Look on until it holds; False when the time is up."""
        deadline = time.monotonic() + within
        while not ended():
            if time.monotonic() >= deadline:
                return False
            self._look()
            time.sleep(_LOOK)
        return True

    def _look(self) -> None:
        seen = self._world.site.in_force(timeout=0.3)
        if seen is None:
            return
        if seen["weight"] != safe.ZERO:
            self._last_canary = time.monotonic()
        announced = {
            f"{e['weight']:g}" for e in self._rollout.events if e.get("weight") is not None
        }
        if seen["weight"] not in announced | {safe.ZERO}:
            self.wrong = f"{seen['weight']} % was in force, announced were {sorted(announced)}"

    def back_after(self, since: float) -> float:
        """Give the seconds from then until the canary was last seen to have traffic."""
        return max(0.0, self._last_canary - since)


def _brought_to(cell: Cell, rollout: Running) -> None:
    """Wait for the phase, and for a moment in it."""
    kind, _, number = cell.phase.partition(" ")
    weight = STAGES[int(number) - 1] if number else 0
    match kind:
        case "preflight":
            rollout.wait_for(lambda e: e["event"] == "started", "start")
        case "taking":
            rollout.wait_for(_weight("announced", 0), "taking")
        case "shifting":
            rollout.wait_for(_weight("announced", weight), "shift")
        case "observing":
            rollout.wait_for(_weight("proven", weight), "stage")
        case "waiting":
            rollout.wait_for(lambda e: e["event"] == "wait", "wait")
        case "returning" | "draining":
            rollout.proven(5)
            before = len(rollout.events)
            rollout.send(SIGTERM)
            status = "announced" if kind == "returning" else "proven"
            rollout.wait_for(_weight(status, 0), kind, after=before)
    span = _SPAN.get(kind, 0.25)
    time.sleep(cell.rng.uniform(0, span))


def _weight(status: str, weight: float) -> Callable[[Event], bool]:
    return lambda e: e.get("status") == status and e.get("weight") == weight


def _client_that_stays(port: int) -> socket.socket:
    """Connect as a client whose request is long under way: its worker cannot end."""
    client = socket.create_connection(("127.0.0.1", port), timeout=5)
    client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
    return client
