"""Programs that users name, run for real."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.command import MOST_SAID, CommandError, run

CLOCK = SystemClock()


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_code_and_words_come_back() -> None:
    ran = run(
        python("import sys; print('yes'); print('no', file=sys.stderr); sys.exit(3)"), CLOCK, 20
    )
    assert (ran.code, ran.out, ran.err) == (3, "yes\n", "no\n")
    assert ran.last_words == "no"


def test_arguments_reach_no_shell(tmp_path: Path) -> None:
    ran = run(
        [*python("import sys; print(sys.argv[1])"), "$(touch x); `id`"], CLOCK, 20, cwd=tmp_path
    )
    assert ran.out == "$(touch x); `id`\n"
    assert not list(tmp_path.iterdir())


def test_environment_and_input() -> None:
    code = "import os, sys; print(os.environ['GIVEN'] + sys.stdin.read())"
    assert run(python(code), CLOCK, 20, env={"GIVEN": "a"}, stdin=b"b").out == "ab\n"


def test_one_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = (
        "import subprocess, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"p = subprocess.Popen(['sleep', '60']); open({str(child)!r}, 'w').write(str(p.pid))\n"
        "time.sleep(60)"
    )
    began = time.monotonic()
    ran = run(python(code), CLOCK, 30, stopped=lambda: child.exists() and child.read_text())
    assert ran.code is None
    assert time.monotonic() - began < 25
    deadline = time.monotonic() + 5
    while runs(int(child.read_text())):
        assert time.monotonic() < deadline, "its child still runs"


def test_the_limit_is_kept() -> None:
    ran = run(["sleep", "60"], CLOCK, 0.3)
    assert ran.code is None
    assert 0.3 <= ran.seconds < 20


def test_a_flood_is_cut() -> None:
    ran = run(python("import os; os.write(1, b'x' * 1_000_000 + b'end')"), CLOCK, 20)
    assert len(ran.out) == MOST_SAID
    assert ran.out.endswith("end")


def test_a_grandchild_that_keeps_the_pipe_is_not_waited_for() -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '30']).pid, flush=True)"
    began = time.monotonic()
    ran = run(python(code), CLOCK, 20)
    os.kill(int(ran.out), 9)
    assert ran.code == 0
    assert time.monotonic() - began < 15


def test_no_such_program_is_one_message() -> None:
    with pytest.raises(CommandError, match="'no-such-program' cannot be started: No such file"):
        run(["no-such-program"], CLOCK, 5)
