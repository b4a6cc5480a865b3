"""Runs one program and never outlives whoever started it.

    python guard.py PROGRAM [ARGUMENT...]

The program's pid is the first line on standard output. Standard input is a life line: when
it ends, be it because the other side closed it or was killed with -9, the program's
process group gets SIGTERM and, after a grace, SIGKILL. Standard library only, and started
with ``-I -S``: a guard costs some ten milliseconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

GRACE_S = 3.0
NOT_STARTED = 127


def main(argv: list[str]) -> int:
    """Run ``argv`` until it ends or the life line does; give its exit code."""
    lifeline = os.dup(sys.stdin.fileno())
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # The life line decides; a Ctrl-C that reaches a whole group must not leave orphans.
        signal.signal(number, signal.SIG_IGN)
    try:
        # A group of its own, so that the workers of a program end with it. What Python was
        # told to ignore would be ignored by the program too, hence `restore`.
        program = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            process_group=0,
            preexec_fn=_restore_signals,  # noqa: PLW1509 - this process has one thread as yet
        )
    except OSError as error:
        os.write(sys.stdout.fileno(), f"{error}\n".encode())
        return NOT_STARTED
    os.write(sys.stdout.fileno(), f"{program.pid}\n".encode())
    threading.Thread(target=_watch, args=(lifeline, program), daemon=True).start()
    code = program.wait()
    _signal_group(program.pid, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _restore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _watch(lifeline: int, program: subprocess.Popen[bytes]) -> None:
    while os.read(lifeline, 1):
        pass
    _signal_group(program.pid, signal.SIGTERM)
    try:
        program.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        _signal_group(program.pid, signal.SIGKILL)


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return  # it has ended; macOS says "not permitted" of a zombie


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
