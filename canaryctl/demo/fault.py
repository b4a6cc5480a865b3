"""Breaking the canary at a chosen stage, as a listener of the rollout."""

from __future__ import annotations

import http
import http.client
import json
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from canaryctl.core.commands import Command
from canaryctl.core.events import Event, WeightProven
from canaryctl.core.state import Phase, State


class Fault(StrEnum):
    """What the demo service can suffer from."""

    ERRORS = "errors"
    LATENCY = "latency"
    SCHEMA = "schema"
    LOSS = "loss"
    DOWN = "down"


SETTINGS: dict[Fault, dict[str, float | bool]] = {
    Fault.ERRORS: {"errors": 0.05},
    Fault.LATENCY: {"latency": 5.0},
    Fault.SCHEMA: {"schema": 0.3},
    Fault.LOSS: {"loss": 2.5},
    Fault.DOWN: {"down": True},
}


@dataclass(frozen=True, slots=True)
class FaultInjector:
    """Switches the fault on once the chosen stage's weight is proven.

    Attributes:
        url: the canary's fault switch.
        stage: counted from 1.
    """

    url: str
    fault: Fault
    stage: int

    def heard(self, event: Event, state: State, command: Command | None) -> None:  # noqa: ARG002  the port
        """See ``ports.Listener``."""
        shifted = isinstance(event, WeightProven) and state.phase is Phase.OBSERVING
        if shifted and state.index == self.stage - 1:
            switch(self.url, SETTINGS[self.fault])

    def ticked(self, state: State, now: float) -> None:
        """See ``ports.Listener``."""


def switch(url: str, settings: dict[str, float | bool]) -> None:
    """Set faults of the demo service."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=5)
    try:
        body = json.dumps(settings)
        connection.request("POST", parts.path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise ValueError(f"{url} answered {answer.status}: {said.decode(errors='replace')}")
    finally:
        connection.close()
