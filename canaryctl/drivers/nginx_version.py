"""What an NGINX can do, by its version."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERSION = re.compile(r"nginx version: [^/\s]+/(\d+)\.(\d+)\.(\d+)")

RESOLVE_SINCE = (1, 27, 3)
KEEPALIVE_MIN_TIMEOUT_SINCE = (1, 27, 4)


@dataclass(frozen=True, slots=True)
class NginxVersion:
    """Three numbers, as ``nginx -v`` prints them."""

    numbers: tuple[int, int, int]

    @property
    def resolves(self) -> bool:
        """Whether an upstream's ``server`` may say ``resolve`` in the open-source build."""
        return self.numbers >= RESOLVE_SINCE

    @property
    def keeps_idle_connections(self) -> bool:
        """Whether ``keepalive_min_timeout`` exists, with which reloads lose no request."""
        return self.numbers >= KEEPALIVE_MIN_TIMEOUT_SINCE

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers))


def parse_version(output: str) -> NginxVersion | None:
    """Read ``nginx -v``; None for something that is not NGINX."""
    found = _VERSION.search(output)
    if found is None:
        return None
    major, minor, patch = (int(number) for number in found.groups())
    return NginxVersion((major, minor, patch))
