"""Start-up of verbs against ``python -c pass``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figure import Figure, Settings, interleaved, ms, took
from benchmarks.gateway import gateway, packaged_nginx

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

    def __call__(self) -> None:
        ended = subprocess.run(
            self.argv,
            cwd=_ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.output, self.complaints = ended.stdout, ended.stderr
        if ended.returncode != 0:
            raise RuntimeError(f"{self.argv} ended with {ended.returncode}: {ended.stderr}")


def run(settings: Settings) -> Iterator[Figure]:
    """Give each verb's time ÷ that of ``python -c pass``; rollback also without its change."""
    with gateway(packaged_nginx()) as running:
        environment = {
            **os.environ,
            "CANARYCTL_CONFIG": str(running.config),
            "CANARYCTL_STATE_DIR": str(running.base / "state"),
        }
        nothing = _Command([sys.executable, "-c", "pass"], environment)
        verbs = {
            name: _Command([sys.executable, "-m", "canaryctl", *words], environment)
            for name, words in VERBS.items()
        }
        changes: list[float] = []

        def rolled_back() -> float:
            whole = took(verbs["rollback"])
            changes.append(float(json.loads(verbs["rollback"].output)["took"]))
            return whole

        acts = [lambda: took(nothing), lambda: took(verbs["--help"]), lambda: took(verbs["status"])]
        rounds = interleaved([*acts, rolled_back], settings.repeats(20, 1))
        del changes[0]  # the round that only warmed up
        baseline = [times[0] for times in rounds]
        for column, name in enumerate(VERBS, start=1):
            times = [one[column] for one in rounds]
            yield Figure(
                "startup",
                f"canaryctl {name} ÷ python -c pass",
                _over(times, baseline),
                at_most=HELP_AT_MOST if name == "--help" else None,
                note=f"{ms(times)} ÷ {ms(baseline)}" + _about(name, changes),
            )
        begun = [one[3] - change for one, change in zip(rounds, changes, strict=True)]
        yield Figure(
            "startup",
            "canaryctl rollback without the change ÷ python -c pass",
            _over(begun, baseline),
            note=f"{ms(begun)}: start-up, looking NGINX over, journal, exit",
        )
        if settings.verbose:
            for name, command in verbs.items():
                yield from _imports(name, command)


def _about(name: str, changes: list[float]) -> str:
    return (
        f"; {ms(changes)} of it is the change itself, proof included" if name == "rollback" else ""
    )


def _over(times: list[float], baseline: list[float]) -> tuple[float, ...]:
    return tuple(time / base for time, base in zip(times, baseline, strict=True))


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
