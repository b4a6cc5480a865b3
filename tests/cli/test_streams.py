"""stdout that is full, closed or unread: one line, the right exit code, never a traceback."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from canaryctl.cli.ending import acts
from tests.config.test_load import EXAMPLE

FULL = "canaryctl: stdout cannot be written: No space left on device\n"
CLOSED = "canaryctl: stdout cannot be written: Bad file descriptor\n"


def shell(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of Bash, in which ``canaryctl`` is this one, with the first one's exit code."""
    python = shlex.quote(sys.executable)
    return subprocess.run(
        [
            *("bash", "-c"),
            f'canaryctl() {{ {python} -m canaryctl "$@"; }}; {line}; exit "${{PIPESTATUS[0]}}"',
        ],
        cwd=cwd,
        env=os.environ
        | {
            "CANARYCTL_STATE_DIR": str(cwd / "state"),
            "DOCKER_HOST": f"unix://{cwd}/no-engine.sock",
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "canary.yaml").write_text(EXAMPLE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "verb",
    [
        "config check",
        "config show --output json",
        "schema rollout",
        "history",
        "--help",
        "--version",
    ],
)
def test_what_could_not_be_shown_ends_with_2(home: Path, verb: str) -> None:
    for lost, said in ((">/dev/full", FULL), (">&-", CLOSED)):
        ended = shell(f"canaryctl {verb} {lost}", home)
        assert (ended.returncode, ended.stderr) == (2, said)


def test_a_verb_that_fails_keeps_its_exit_code(home: Path) -> None:
    ended = shell("canaryctl status --output json >/dev/full", home)
    assert ended.returncode == 3
    assert ended.stderr.endswith(FULL)
    assert "Traceback" not in ended.stderr


def test_who_stops_reading_changes_nothing(home: Path) -> None:
    for verb in ("schema rollout", "config show", "config check"):
        ended = shell(f"canaryctl {verb} | true", home)
        assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("lost", [">/dev/full 2>&1", ">&- 2>&-", "2>&1 | true"])
def test_neither_stream_has_to_take_anything(home: Path, lost: str) -> None:
    assert shell(f"canaryctl nonsense {lost}", home).returncode == 2
    assert shell(f"canaryctl status {lost}", home).returncode == 3


def test_a_simulation_that_nobody_reads_ends(home: Path) -> None:
    rates = ",".join(str(50 + number) for number in range(200))
    flags = f"--rps {rates} --errors 1% --runs 1 --jobs 1 --families healthy --output json"
    ended = shell(f"canaryctl simulate {flags} | head -n 1", home)  # all would take minutes
    assert json.loads(ended.stdout)["event"] == "simulation"
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr


def test_a_closed_stdout_is_no_other_file_of_this_process(home: Path) -> None:
    code = "import os; print(os.path.realpath('/proc/self/fd/1'), file=__import__('sys').stderr)"
    program = f"from canaryctl.cli.streams import install; install(); {code}"
    ended = shell(f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} >&- <&-", home)
    assert ended.stderr == "/dev/null\n"


@pytest.mark.parametrize(
    ("line", "does"),
    [
        ("rollback", True),
        ("--config x rollback --reason full", True),
        ("--config=x abort", True),
        ("weights set 0", True),
        ("weights", False),
        ("rollout --version v2", True),
        ("rollout --version v2 --dry-run", False),
        ("notify test", True),
        ("status", False),
        ("--help", False),
        ("--config", False),
        ("", False),
    ],
)
def test_a_verb_acts_or_shows(line: str, does: bool) -> None:
    assert acts(line.split()) is does
