"""The guard of one rollout: a process that outlives it, and returns its traffic when it dies.

Started by ``rollout`` in a session of its own. Standard input is its life line: first one line,
the spec; then signs of life; then ``leaving`` and ``done``, or its end. The end without ``done`` is
the death of the rollout, whatever it died of. So is a silence of a whole lease.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import struct
import sys
import termios
from pathlib import Path
from typing import Any

from canaryctl.config.model import Config
from canaryctl.core.errors import ConfigError
from canaryctl.drivers.notifier import Notifier
from canaryctl.guarding.abandoned import warm
from canaryctl.guarding.died import About, Death, look_after
from canaryctl.guarding.notices import channels, channels_json
from canaryctl.guarding.stuck import parent
from canaryctl.guarding.words import Words, write
from canaryctl.wiring import Build

READY = b"ready\n"
DONE = b"d"
LEAVING = b"l"
"""It gives the gateway back now: no lease there is its end from here on."""
ALIVE = b"."
DEAF_TO = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
"""What does not end it, from its first moment on."""


def main() -> int:
    """Guard a rollout until it ends."""
    for number in DEAF_TO:
        # The life line decides: a Ctrl-C that reaches a whole terminal is the rollout's.
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, DEAF_TO)  # they were held back until here
    try:
        spec = json.loads(_line(0))
        build = Build(Config.model_validate(spec["config"]), Path(spec["base"]))
        build.__dict__["template"] = str(spec["template"])
        about = About(str(spec["rollout"]), promoting=bool(spec.get("promoting")))
        lease, pid = float(spec["lease"]), int(spec["pid"])
        notifier = Notifier(channels(spec.get("channels", [])), build.clock)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        write(f"it was not told whom to guard ({type(error).__name__}); it is started by `rollout`")
        return ConfigError.exit_code
    words = Words(build.clock)
    warm(build)
    owner = parent(pid)
    with contextlib.suppress(OSError):  # it may have ended already
        os.write(1, READY)
    line = LifeLine(0)
    while (death := line.waited(lease)) is not None:
        if look_after(build, about, death, owner, words.say, notifier.tell):
            notifier.close()
            break
    words.close()
    return 0


def _line(descriptor: int) -> bytes:
    """Read up to a line's end, and nothing of what follows it."""
    found = bytearray()
    while (one := os.read(descriptor, 1)) not in (b"", b"\n"):
        found += one
    return bytes(found)


class LifeLine:
    """What is heard of the rollout.

    Args:
        descriptor: of the pipe's end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._leaving = False

    def waited(self, lease: float) -> Death | None:
        """Wait for the rollout's end; say how it died, None when it ended as it should.

        Args:
            lease: seconds of silence that are a death.
        """
        while select.select([self._descriptor], [], [], lease)[0]:
            said = os.read(self._descriptor, 4096)
            if DONE in said:
                return None
            self._leaving = self._leaving or LEAVING in said
            if not said:
                return Death("its process died", leaving=self._leaving)
        why = f"it gave no sign of life for {lease:g} s"
        return Death(why, leaving=self._leaving, undone=self._speaks)

    def _speaks(self) -> bool:
        """Tell whether something was said that nobody has read yet; an end says nothing."""
        unread = fcntl.ioctl(self._descriptor, termios.FIONREAD, bytes(struct.calcsize("i")))
        return bool(struct.unpack("i", unread)[0])


def spec_of(build: Build, rollout: str, *, promoting: bool = False) -> dict[str, Any]:
    """Give what a guard has to know.

    ``config`` holds no secret: it reads no metrics. ``channels`` does, so all of it goes through
    the life line, a pipe, and nowhere else.
    """
    config = build.config
    known = config.model_dump(
        mode="json", by_alias=True, include={"service", "versions", "gateway"}
    )
    return {
        "config": known,
        "base": str(build.base),
        "template": build.template,
        "rollout": rollout,
        "promoting": promoting,
        "pid": os.getpid(),
        "lease": config.gateway.lease,
        "channels": channels_json(config.channels()),
    }


if __name__ == "__main__":
    sys.exit(main())
