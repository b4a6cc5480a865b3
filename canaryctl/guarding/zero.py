"""All traffic back on stable, proven, in a bounded number of attempts."""

from __future__ import annotations

from collections.abc import Callable

from canaryctl.core.errors import (
    CanaryctlError,
    ConfigError,
    ConfigurationRefused,
    Superseded,
    TrafficUnknown,
)
from canaryctl.core.weight import Weight
from canaryctl.guarding.mend import try_mending
from canaryctl.ports import Mark, Proof
from canaryctl.wiring import Build

PAUSE = 0.5
"""Seconds between two attempts."""


def to_zero(build: Build, mark: Mark, attempts: int, say: Callable[[str], None]) -> Proof:
    """Set 0 % and prove it, whatever is there; with the packaged template where ours is broken.

    Raises:
        TrafficUnknown: it could not be proven.
        Superseded: the gateway is somebody else's by now; nothing was changed.
    """
    attempt, sound = 1, False
    while True:
        try:
            return build.router.set(Weight.ZERO, mark, None)
        except Superseded:
            raise
        except CanaryctlError as error:
            # What was in the way is out of it now: no attempt failed. Each of both happens once.
            if isinstance(error, ConfigError) and build.fall_back():
                say(f"{error}; using the packaged template instead")
                continue
            if not sound and isinstance(error, ConfigurationRefused) and try_mending(build, mark):
                sound = True
                say(f"{error}; a sound file of 0 % has taken its place")
                continue
            if attempt >= attempts:
                raise TrafficUnknown(
                    f"0 % could not be proven in {attempts} attempts: {error}",
                    next_step=error.next_step or "look at NGINX itself",
                ) from error
            say(f"attempt {attempt} of {attempts}: {error}")
            attempt += 1
            build.forget()
            build.clock.sleep(PAUSE)
