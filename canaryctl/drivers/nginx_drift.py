"""What changed at a gateway though nobody decided it: the file, and the addresses behind names."""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.generation import number
from canaryctl.core.weight import Weight
from canaryctl.drivers.nginx_restore import Before
from canaryctl.drivers.nginx_survey import Surveyed
from canaryctl.drivers.template import Address, intact, parse_header
from canaryctl.ports import Host


def edited(text: str | None, known: Before) -> str:
    """Say how the file differs from what was set; empty: not, or somebody else set another one.

    Args:
        text: of the file now.
        known: what was set.
    """
    if text == known.text:
        return ""
    if text is None:
        return "canaryctl's file is gone from the gateway (was NGINX's container recreated?)"
    generation = (parse_header(text) or {}).get("generation")
    if generation is None:
        return "the file at the gateway is no longer canaryctl's"
    if generation == known.generation:
        return f"the file at the gateway (generation {generation}) was edited by hand"
    if number(generation) < number(known.generation):
        return f"an older file, of generation {generation}, is at the gateway"
    # Otherwise a decision of somebody, which tells itself once it is in force.
    return "" if intact(text) else f"the file at the gateway, of generation {generation}, is broken"


def moved(host: Host, seen: Surveyed, weight: Weight) -> str:
    """Say which name has other addresses than NGINX was given; empty: none.

    A name that does not resolve just now has not moved: NGINX keeps what it has.

    Args:
        host: where NGINX runs.
        seen: what the weights were set by.
        weight: the canary's.

    Raises:
        HostError: the host cannot be reached.
    """
    fixed = [one for one in seen.routing.stable if one.is_name and not seen.can.looks_up(one)]
    if seen.whole:
        follows = weight == Weight.FULL  # as the template has it
        fixed += [
            one
            for one in seen.routing.canary
            if one.is_name and not (follows and seen.can.looks_up(one))
        ]
    for address in fixed:
        now = replace(address, peers=host.locate(address.address).peers)
        if now.peers and set(now.peers) != set(address.peers):
            return f"{address.address} is at {_listed(now)} now, was at {_listed(address)}"
    return ""


def _listed(address: Address) -> str:
    return ", ".join(address.peers) or "no address"
