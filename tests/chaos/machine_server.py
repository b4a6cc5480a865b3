"""One machine of several: it forks `canaryctl` at a given instant, everything imported already.

Reads a JSON object a line: the arguments, where output goes, the instant (monotonic seconds) to
begin at, and where the process is to stop itself. Writes the child's id for each; once a child
has ended, its exit code is in ``<out>.code``.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import canaryctl

_NOT = ("demo", "simulate", "docker", "__main__", "guarding.process")


def _warm() -> None:
    for found in pkgutil.walk_packages(canaryctl.__path__, "canaryctl."):
        if not any(word in found.name for word in _NOT):
            importlib.import_module(found.name)
    import jinja2.sandbox  # noqa: F401, PLC0415


def _stop_here() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _around(module: Any, name: str, wanted: Callable[..., bool], *, after: bool, nth: int) -> None:
    """Have a function stop this process, before or after its ``nth`` call that is wanted."""
    real, seen = getattr(module, name), [0]

    def stopping(*arguments: Any, **named: Any) -> Any:
        seen[0] += wanted(*arguments)
        now = wanted(*arguments) and seen[0] == nth
        if now and not after:
            _stop_here()
        given = real(*arguments, **named)
        if now and after:
            _stop_here()
        return given

    setattr(module, name, stopping)


def _arm(stop: str) -> None:
    """Have this process stop itself: ``WHERE NTH``."""
    from canaryctl.drivers import lease_file, local_files, nginx_control, nginx_restore  # noqa: PLC0415

    where, _, nth = stop.rpartition(" ")

    def weights(_staged: str, live: str) -> bool:
        return live.endswith(".conf")

    def lease(path: str, *_: Any) -> bool:
        return ".lease." in path

    def always(*_: Any) -> bool:
        return True

    points: dict[str, tuple[Any, str, Callable[..., bool], bool]] = {
        "before the swap of the weights": (local_files, "swap", weights, False),
        "after the swap of the weights": (local_files, "swap", weights, True),
        "before the lease is staged": (local_files, "write", lease, False),
        "before the swap of the lease": (local_files, "swap", lease, False),
        "after the swap of the lease": (local_files, "swap", lease, True),
        "before the proof": (nginx_control.Control, "prove", always, False),
        "after a look at the lease": (lease_file.LeaseFile, "mine", always, True),
        "before a restore": (nginx_restore.Restore, "__call__", always, False),
    }
    module, name, wanted, after = points[where]
    _around(module, name, wanted, after=after, nth=int(nth))


def _child(told: dict[str, Any]) -> None:
    os.setsid()
    for number, path in ((0, os.devnull), (1, told["out"]), (2, told["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644), number)
    # The streams as they are: what was buffered in them before the fork was flushed.
    os.environ.update(told["env"])
    if told["stop"]:
        _arm(told["stop"])
    sys.argv = ["canaryctl", *told["argv"]]
    from canaryctl.cli.app import main  # noqa: PLC0415

    while (left := told["at"] - time.monotonic()) > 0:
        time.sleep(left)
    main()


def _reap(outs: dict[int, str]) -> None:
    for pid in list(outs):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            path = Path(outs.pop(pid) + ".code")
            part = path.with_suffix(".part")
            part.write_text(str(os.waitstatus_to_exitcode(status)))
            part.replace(path)


def main() -> None:
    """Serve until standard input ends."""
    _warm()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    outs: dict[int, str] = {}
    buffered = b""
    while True:
        _reap(outs)
        if not select.select([0], [], [], 0.02)[0]:
            continue
        if not (read := os.read(0, 65536)):
            return
        *lines, buffered = (buffered + read).split(b"\n")
        for line in lines:
            told = json.loads(line)
            pid = os.fork()
            if pid == 0:
                code = 99
                with contextlib.suppress(BaseException):
                    try:
                        _child(told)
                    except SystemExit as end:
                        code = end.code if isinstance(end.code, int) else 98
                    sys.stdout.flush()
                    sys.stderr.flush()
                os._exit(code)
            outs[pid] = told["out"]
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
