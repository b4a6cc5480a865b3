"""Where a listener can be reached from: loopback alone, or beyond it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from canaryctl.drivers.docker_peers import on_host_network

_ALL = "0.0.0.0"  # noqa: S104  read, never listened on


def published(container: Mapping[str, Any], listen: str) -> tuple[str, ...]:
    """Give the machine's addresses beyond loopback at which a container's listener answers.

    Args:
        container: as inspected.
        listen: ``9180`` or ``address:9180``, as NGINX in the container listens.
    """
    if on_host_network(container):
        return beyond_loopback(listen)
    port = listen.rpartition(":")[2]
    bound = (container["NetworkSettings"].get("Ports") or {}).get(f"{port}/tcp") or ()
    found = (beyond_loopback(f"{_bracketed(one['HostIp'])}:{one['HostPort']}") for one in bound)
    return tuple(dict.fromkeys(address for many in found for address in many))


def beyond_loopback(listen: str) -> tuple[str, ...]:
    """Give ``address:port`` when that is not loopback; a port alone is every address."""
    address, _, port = listen.rpartition(":")
    plain = address.strip("[]") or _ALL
    try:
        if ipaddress.ip_address(plain).is_loopback:
            return ()
    except ValueError:
        if plain == "localhost":
            return ()
    return (f"{address or _ALL}:{port}",)


def _bracketed(ip: str) -> str:
    return f"[{ip}]" if ":" in ip else ip
