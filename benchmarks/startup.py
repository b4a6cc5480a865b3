"""Start-up of verbs against ``python -c pass``."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure, Settings, interleaved, took
from benchmarks.gateway import Gateway, gateway, packaged_nginx

HELP_AT_MOST = 8.0
VERBS = {"--help": ["--help"], "status": ["status"], "rollback": ["rollback", "-o", "json"]}
_ROOT = Path(__file__).resolve().parent.parent
_TIMED = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s+(\S+)")
_HEAVIEST = 12


@dataclass(slots=True)
class _Command:
    """One command line, run as a process of its own."""

    argv: list[str]
    environment: Mapping[str, str]
    output: str = ""
    complaints: str = ""
    processor: float = 0.0  # seconds, of the last run

    def __call__(self) -> None:
        before = _processor()
        ended = subprocess.run(
            self.argv,
            cwd=_ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.processor = _processor() - before
        self.output, self.complaints = ended.stdout, ended.stderr
        if ended.returncode != 0:
            raise RuntimeError(f"{self.argv} ended with {ended.returncode}: {ended.stderr}")


def run(settings: Settings) -> Iterator[Figure]:
    """Give each verb's time ÷ that of ``python -c pass``; rollback also without its change."""
    with gateway(packaged_nginx()) as running:
        environment = _installed(running)
        nothing = _Command([sys.executable, "-c", "pass"], environment)
        verbs = {
            name: _Command([sys.executable, "-m", "canaryctl", *words], environment)
            for name, words in VERBS.items()
        }
        changes: list[float] = []
        busy: list[float] = []

        def against(name: str) -> Callable[[], float]:
            def ratio() -> float:
                # One short process before and one after: a single one is at the mercy of chance.
                before, whole, after = took(nothing), took(verbs[name]), took(nothing)
                base = (before + after) / 2
                if name == "--help":
                    busy.append(verbs[name].processor / nothing.processor)
                if name == "rollback":
                    changes.append(float(json.loads(verbs[name].output)["took"]) / base)
                return whole / base

            return ratio

        rounds = interleaved([against(name) for name in VERBS], settings.repeats(20, 1))
        del changes[0], busy[0]  # the round that only warmed up
        ratios = dict(zip(VERBS, zip(*rounds, strict=True), strict=True))
        for name, values in ratios.items():
            yield Figure(
                "startup",
                f"canaryctl {name} ÷ python -c pass",
                values,
                at_most=HELP_AT_MOST if name == "--help" else None,
            )
        yield Figure(
            "startup",
            "canaryctl --help ÷ python -c pass, processor time",
            tuple(busy),
            note="steadier than the clock where other processes run",
        )
        both = zip(ratios["rollback"], changes, strict=True)
        yield Figure(
            "startup",
            "canaryctl rollback without the change ÷ python -c pass",
            tuple(whole - change for whole, change in both),
            note="start-up, journal and exit; the change took "
            f"{median(changes):.1f} × python -c pass, looking NGINX over and proof included",
        )
        if settings.verbose:
            for name, command in verbs.items():
                yield from _imports(name, command)


def _processor() -> float:
    """Give the processor time of all children that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _installed(running: Gateway) -> dict[str, str]:
    """Give an environment in which byte code is kept, as it is where canaryctl is installed."""
    environment = {
        **os.environ,
        "CANARYCTL_CONFIG": str(running.config),
        "CANARYCTL_STATE_DIR": str(running.base / "state"),
        "PYTHONPYCACHEPREFIX": str(running.base / "bytecode"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _imports(name: str, command: _Command) -> Iterator[Figure]:
    """Give the heaviest packages' shares of what importing costs this verb."""
    timed = _Command([command.argv[0], "-X", "importtime", *command.argv[1:]], command.environment)
    timed()
    found = _TIMED.findall(timed.complaints)
    own: Counter[str] = Counter()
    for microseconds, _, module in found:
        own[module.partition(".")[0]] += int(microseconds)
    for package, microseconds in own.most_common(_HEAVIEST):
        inside = [(int(us), module) for us, _, module in found if module.split(".")[0] == package]
        heavy = ", ".join(f"{module} {us / 1000:.1f}" for us, module in sorted(inside)[:-4:-1])
        yield Figure(
            "startup",
            f"{name}: {package} ÷ all imports",
            (microseconds / own.total(),),
            note=f"{microseconds / 1000:.1f} ms in {len(inside)} modules, most in {heavy}",
        )
