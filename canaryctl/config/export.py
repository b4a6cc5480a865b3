"""``export``: where Prometheus reads canaryctl's own metrics from."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from canaryctl.config.base import Model
from canaryctl.config.fields import DurationFromZero

_LISTEN = re.compile(
    r"(?P<host>[A-Za-z0-9][A-Za-z0-9_.-]*|\[[0-9a-fA-F:.]+\]):(?P<port>[0-9]{1,5})"
)
_PORTS = range(1, 65536)


def listen(value: Any) -> Any:
    """Check an address to listen on.

    Raises:
        ValueError: it is not ``host:port``.
    """
    found = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found["port"]) not in _PORTS:
        raise ValueError(f"an address to listen on is host:port (127.0.0.1:9181), not {value!r}")
    return value


def split(address: str) -> tuple[str, int]:
    """Give host and port; an IPv6 address without its brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


Listen = Annotated[
    str, BeforeValidator(listen), WithJsonSchema({"type": "string", "examples": ["127.0.0.1:9181"]})
]


class ExportModel(Model):
    """Where metrics are read. Two addresses, because one host may run a rollout and the guard.

    Attributes:
        listen: of a rollout, while it runs. None: it exports nothing.
        guard_listen: of ``canaryctl guard``. None likewise.
        linger: seconds for which an ended rollout waits for its last state to be read.
    """

    listen: Listen | None = Field(None, description="host:port where a rollout's metrics are read")
    guard_listen: Listen | None = Field(
        None, description="host:port where the metrics of `canaryctl guard` are read"
    )
    linger: DurationFromZero = Field(
        20.0,
        le=300,
        description="an ended rollout waits at most so long for its last state to be read",
    )
