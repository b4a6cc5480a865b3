"""The fault matrix: each fault in each phase of a rollout.

    python -m tests.chaos.matrix [--only FAULT] [--phase PHASE] [--n CELLS] [--seed N] [--jobs N]

Prints a table of the seconds until traffic was safe, and ends with 1 when a cell has failed.
"""

from __future__ import annotations

import argparse
import os
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.chaos.faults.base import PHASES, Fault
from tests.chaos.faults.disks import mounted
from tests.chaos.faults.every import FAULTS
from tests.chaos.faults.names import private_hosts
from tests.chaos.matrix_cell import Result, tried
from tests.chaos.matrix_table import table
from tests.chaos.world import World, world

QUICK = (
    "SIGTERM orchestrator @ preflight",
    "SIGINT orchestrator @ shifting 3",
    "SIGKILL orchestrator @ shifting 1",
    "SIGKILL orchestrator @ observing 2",
    "nginx recreated @ observing 1",
    "name gone, SIGKILL @ observing 2",
    "disk full: conf.d @ shifting 1",
    "disk full: journal @ taking",
    "clock jumps -1 h @ returning",
    "network to verify: cut @ preflight",
)
"""What ``make test`` tries: a cell of each kind, none of the slow ones."""
_OWN = "CHAOS_MOUNTS"
"""Set in a process that has a mount namespace of its own."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the matrix."""
    asked = sys.argv[1:] if argv is None else argv
    given = arguments(asked, "tests.chaos.matrix")
    if _OWN not in os.environ and (wrapper := _unshared()):
        again = [*wrapper, sys.executable, "-m", "tests.chaos.matrix", *asked]
        return subprocess.run(again, check=False, env={**os.environ, _OWN: "1"}).returncode
    cells = chosen(FAULTS, given)
    said = f"{len(cells)} cells, seed {given.seed}, {given.jobs} at once"
    if _OWN not in os.environ:
        said += "; no mounts may be made here: the faults that need them are left out"
    say(said)
    began = time.monotonic()
    results = run(cells, given.seed, given.jobs)
    say(table(results, time.monotonic() - began))
    return int(any(one.wrong for one in results) or len(results) < len(cells))


def chosen(faults: Sequence[Fault], given: argparse.Namespace) -> list[tuple[Fault, str]]:
    """Give the cells that were asked for."""
    cells = [
        (fault, phase)
        for fault in faults
        for phase in fault.phases
        if (not fault.mounts or _OWN in os.environ)
        and (given.only is None or given.only in fault.name)
        and (given.phase is None or given.phase in phase)
        and (not given.quick or f"{fault.name} @ {phase}" in QUICK)
    ]
    if given.n is not None and given.n < len(cells):
        rng = random.Random(given.seed)  # noqa: S311  to be repeated, not secret
        # A fault each before any fault has a second one.
        rng.shuffle(cells)
        first = {fault.name: (fault, phase) for fault, phase in cells}
        rest = [cell for cell in cells if cell not in first.values()]
        cells = [*first.values(), *rest][: given.n]
    return cells


def run(cells: Sequence[tuple[Fault, str]], seed: int, jobs: int) -> list[Result]:
    """Try all cells, so many at once, each worker in a world of its own."""
    waiting: queue.SimpleQueue[tuple[Fault, str]] = queue.SimpleQueue()
    for cell in cells:
        waiting.put(cell)
    results: list[Result] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with _world() as here:
                while True:
                    fault, phase = waiting.get_nowait()
                    results.append(tried(here, fault, phase, seed))
                    tell(len(results), len(cells), results[-1])
        except queue.Empty:
            return
        except BaseException as error:  # noqa: BLE001  told below, in the main thread
            failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(max(1, min(jobs, len(cells))))]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    if failed:
        raise failed[0]
    return results


@contextmanager
def _world() -> Iterator[World]:
    """Start a world whose configuration and journal are on small disks of their own."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, ExitStack() as ending:
        base = Path(folder)
        if _OWN in os.environ:
            for name, size in (("conf.d", "256k"), ("state", "8m")):
                mounted(base / name, size)
                ending.callback(subprocess.run, ["umount", "--lazy", str(base / name)], check=False)
        yield ending.enter_context(world(base))


def _unshared() -> list[str]:
    """Give the command that runs another in a mount namespace of its own; empty: there is none."""
    command = ["unshare", "--mount", "--propagation", "private"]
    if os.geteuid() != 0:
        command[1:1] = ["--user", "--map-root-user"]
    probe = [*command, "mount", "-t", "tmpfs", "chaos", "/mnt"]
    try:
        done = subprocess.run(probe, capture_output=True, timeout=10, check=False)
    except OSError:
        return []
    return command if done.returncode == 0 else []


def arguments(argv: Sequence[str], name: str) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog=f"python -m {name}")
    parser.add_argument("--only", help="faults whose name has this in it")
    parser.add_argument("--phase", choices=PHASES)
    parser.add_argument("--quick", action="store_true", help="a few cells, as in make test")
    parser.add_argument("--n", type=int, help="so many cells, drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=4, help="rollouts at once")
    return parser.parse_args(argv)


def tell(number: int, of: int, one: Result) -> None:
    """Write a line on a cell."""
    how = f"FAILED: {one.wrong}" if one.wrong else "recovered by hand" if one.by_hand else "ok"
    why = f" ({one.why[:300]})" if one.code and one.why else ""
    what = f"{one.fault:28} {one.phase:12} exit {one.code!s:4} {one.took:6.2f} s"
    say(f"{number:4}/{of} {what} {how}{why}")


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if _OWN in os.environ:
        with tempfile.TemporaryDirectory(prefix="chaos-hosts-") as own:
            private_hosts(Path(own))
            code = main()
            subprocess.run(["umount", "--lazy", "/etc/hosts"], check=False)
        sys.exit(code)
    sys.exit(main())
