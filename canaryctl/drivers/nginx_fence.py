"""Whether what is at a gateway may be changed by a rollout that expects something else there."""

from __future__ import annotations

from canaryctl.core.errors import ConfigError, GatewayUnreachable
from canaryctl.core.generation import number
from canaryctl.core.lease import parse_lease
from canaryctl.drivers.nginx_control import Control
from canaryctl.drivers.template import parse_header
from canaryctl.ports import Absent, Expect, Host, Mark


def undecided(text: str | None, mark: Mark, last: str | None) -> bool:
    """Tell whether nobody has decided anything since: it is this rollout's, older, or no state.

    Args:
        text: of the live file.
        mark: of the rollout that wants to change it.
        last: the generation that it proved last, None when it proved none.
    """
    state = parse_header(text)
    if state is None or (mark.rollout and state.get("rollout") == mark.rollout):
        return True
    return number(state["generation"]) <= number(last)


def nobodys(host: Host, path: str) -> Expect | Absent:
    """Give what holds as long as nobody's lease is there: none, or a text that is no lease.

    Raises:
        HostError: the host cannot be reached.
    """
    text = host.read(path)
    return Absent(path) if text is None or parse_lease(text) is not None else Expect(path, text)


def not_somebody_elses(text: str | None, live: str, control: Control) -> None:
    """Refuse to replace a file that canaryctl never wrote, such as a site's own.

    Raises:
        ConfigError: it is such a file.
    """
    if text is None or not text.strip() or parse_header(text) is not None:
        return
    try:
        control.ask()
    except GatewayUnreachable:
        raise ConfigError(
            f"{live} is there and is not canaryctl's; nothing was changed",
            next_step="move it away, or give canaryctl a file of its own as gateway.config",
        ) from None


def superseded(text: str | None, expect: str) -> str:
    """Say who changed what was expected there."""
    state = parse_header(text)
    if state is None:
        return f"the file at the gateway is no longer canaryctl's (expected generation {expect})"
    if state["generation"] == expect:
        return f"the file at the gateway (generation {expect}) was edited by hand"
    who = state.get("owner") or "somebody"
    why = state.get("reason") or "no reason given"
    return f"{who} set {state.get('weight')} % meanwhile: {why}"
