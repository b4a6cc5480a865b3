"""What is in force at an NGINX and what stands on its disk, beside each other."""

from __future__ import annotations

from canaryctl.core.errors import GatewayUnreachable
from canaryctl.drivers.nginx_control import Control
from canaryctl.drivers.template import intact, parse_header
from canaryctl.ports import Host, InForce, Mark

_MARKED = ("release", "rollout", "owner", "reason", "stage", "share")


def looked(host: Host, control: Control, live: str) -> InForce:
    """Look at both; an NGINX that does not answer is part of what is seen.

    Raises:
        HostError: the host cannot be reached.
    """
    text = host.read(live)
    state = parse_header(text)
    mark = on_disk = None
    if state is not None:
        mark = Mark(**{name: state.get(name, "") for name in _MARKED})
        on_disk = state["generation"] + ("" if intact(text) else " (edited by hand)")
    try:
        answer = control.ask()
    except GatewayUnreachable as error:
        return InForce(None, None, mark, on_disk, str(error))
    return InForce(answer.generation, answer.weight, mark, on_disk)
