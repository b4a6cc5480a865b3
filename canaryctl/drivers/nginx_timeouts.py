"""For how long NGINX's configuration lets the workers of before go on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from canaryctl.drivers.nginx_files import values
from canaryctl.drivers.nginx_version import NginxVersion

_DAY = 86_400.0
_SECONDS = {"y": 365 * _DAY, "M": 30 * _DAY, "w": 7 * _DAY, "d": _DAY, "h": 3600.0, "m": 60.0}
_SECONDS |= {"s": 1.0, "ms": 0.001, "": 1.0}
OURS = 1.5
"""Seconds that canaryctl's own file says, which may be newer than what is read here."""
_PART = re.compile(r"(\d+)(ms|[yMwdhms]?)\s*")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """What old workers do with the connections that they have.

    A worker goes by the configuration that it was started with.

    Attributes:
        keeps: seconds for which an idle connection of a client stays usable after its last
            answer (keepalive_min_timeout); one request more is answered on it.
        cuts: seconds after which all that are left are ended (worker_shutdown_timeout); None:
            never.
    """

    keeps: float = 0.0
    cuts: float | None = None


def timeouts(files: Mapping[str, str], version: NginxVersion) -> Timeouts:
    """Read them from a configuration.

    Args:
        files: as ``nginx_files.dumped`` gave them.
        version: NGINX's; older ones close idle connections at once.
    """
    cut = [parse_time(one) for one in values(files, "worker_shutdown_timeout")]
    kept = [parse_time(one) or 0.0 for one in values(files, "keepalive_min_timeout")]
    return Timeouts(
        keeps=max(kept, default=OURS) if version.keeps_idle_connections else 0.0,
        cuts=(cut[-1] or None) if cut else None,  # to NGINX 0 means never
    )


def parse_time(text: str) -> float | None:
    """Read a time as NGINX does (``30``, ``1500ms``, ``1m30s``): seconds, None for other text."""
    parts = list(_PART.finditer(text))
    if not parts or "".join(part.group() for part in parts) != text:
        return None
    return sum(int(part.group(1)) * _SECONDS[part.group(2)] for part in parts)
