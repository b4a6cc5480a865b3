"""What has to hold once a rollout has ended, whatever ended it. Each complaint is a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from canaryctl.core.lease import parse_lease
from canaryctl.drivers.template import intact
from tests.chaos.running import belonging
from tests.chaos.site import Site, free

ZERO, FULL = "0", "100"
SUCCEEDED, ROLLED_BACK, CONFIGURATION, UNKNOWN, PREFLIGHT, HELD, ABORTED = 0, 1, 2, 3, 4, 5, 130
_STAGED = re.compile(r"^\.canaryctl-.*|.*\.(lease|control)\..+|.*\.part$")


def weight_wrong(site: Site, code: int, *, before: str | None = ZERO) -> Iterator[str]:
    """Compare what is in force with what an exit code promises.

    Args:
        site: where to look.
        code: of the rollout; negative after a signal, when a guard has acted.
        before: the weight in force before the rollout began; None: nothing was.
    """
    kept: dict[int, set[str | None]] = {
        SUCCEEDED: {FULL},
        ROLLED_BACK: {ZERO},
        ABORTED: {ZERO, before},
        CONFIGURATION: {before},
        PREFLIGHT: {before, ZERO},
        HELD: {before, ZERO},
    }
    promised = kept.get(code, {ZERO})
    found = site.weight()
    if found not in promised:
        expected = " or ".join(sorted(f"{one}" for one in promised))
        yield f"exit {code}, but {found} % is in force (expected {expected})"


def nginx_wrong(site: Site) -> Iterator[str]:
    """Look at what NGINX would start with, and at what it is about."""
    if said := site.tested():
        yield f"nginx -t fails: {said.strip()[:300]}"
    text = site.text()
    if text is not None and not intact(text):
        yield f"{site.live.name} is not intact ({len(text)} characters)"


def left_behind(site: Site) -> Iterator[str]:
    """Find files that nobody will need any more."""
    yield from (f"{name} was left at the gateway" for name in staged(site))
    text = site.text(".lease")
    if text is not None:
        stamped = parse_lease(text)
        whose = stamped.lease.owner if stamped else f"nobody: {text[:80]!r}"
        yield f"a lease was left, of {whose}"


def staged(site: Site) -> Iterator[str]:
    """Name the files of changes that did not come into force."""
    return (name for name in site.listing() if _STAGED.match(name))


def still_running(site: Site) -> Iterator[str]:
    """Find processes that outlived their rollout."""
    for pid, command in belonging(site.state).items():
        yield f"process {pid} still runs: {command[:120]}"


def still_locked(site: Site, token: str, shared: Path) -> Iterator[str]:
    """Find locks that somebody holds: at the gateway, and this machine's."""
    if not site.lock_free():
        yield f"{site.live}.lock is still locked"
    for kind in ("rollout", "writing"):
        path = shared / f"{token}.{kind}"
        if not free(path):
            yield f"{path} is still locked"
