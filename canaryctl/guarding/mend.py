"""NGINX refuses canaryctl's own file on disk, and with it every look at what is there.

It was broken, or it names a canary that does not resolve any more: that is how a container of
Docker looks which is gone. NGINX itself runs on with what it has, but would not start again. So a
sound text of 0 % takes the file's place first; then the usual way brings 0 % into force and proves
it.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from canaryctl.core.errors import CanaryctlError
from canaryctl.core.weight import Weight
from canaryctl.drivers.nginx_stage import LOCK, LOCK_PATIENCE, MENDING
from canaryctl.drivers.template import Abilities, intact, parse_header, render
from canaryctl.ports import Expect, Host, Lock, Mark, Run, Step, Swap, Unlock, Write
from canaryctl.wiring import Build, next_generation

_LEAST = Abilities(resolve=False, keepalive_min_timeout=False, resolver="")
"""What every NGINX can."""


def mended(build: Build, mark: Mark) -> bool:
    """Put a sound file of 0 % on disk, if what is there is canaryctl's and NGINX refuses it.

    Returns whether it did. Nothing is in force by that.

    Raises:
        CanaryctlError: the host cannot be reached, or the template is broken too.
    """
    live = build.config.gateway.config
    seen = build.router.look()
    there = build.host.read(live)
    # A file that canaryctl never wrote is left alone, as long as NGINX answers with no generation.
    ours = parse_header(there) is not None or seen.generation is not None
    if there is None or not ours or (intact(there) and not _refused(build.host, live)):
        return False
    before = (parse_header(there) or {}).get("generation") or seen.generation
    text = render(build.template, build.routing, Weight.ZERO, next_generation(before), mark, _LEAST)
    staged = f"{live}{MENDING}{build.locks.token}"
    steps: list[Step] = [
        Lock(live + LOCK, LOCK_PATIENCE, needed=False),
        Write(staged, text),
        *build.lease.fence(),
        Expect(live, there),
        Swap(staged, live),
        Unlock(),
    ]
    return build.host.perform(steps).completed == len(steps)


def _refused(host: Host, live: str) -> bool:
    """Tell whether it is this file that NGINX has something against."""
    tested = host.perform([Run(("-t", "-q"))])
    return tested.completed == 0 and PurePosixPath(live).name in tested.output


def try_mending(build: Build, mark: Mark) -> bool:
    """Do the same; False too where that cannot be done."""
    try:
        return mended(build, mark)
    except CanaryctlError:
        return False
