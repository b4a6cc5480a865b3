"""Looking around where NGINX runs: version, configuration, and the peers behind each address."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from canaryctl.core.errors import ConfigurationRefused, HostError
from canaryctl.drivers.nginx_files import directive, dumped
from canaryctl.drivers.nginx_version import NginxVersion, parse_version
from canaryctl.drivers.template import Abilities, Address, Routing
from canaryctl.ports import Host, Run

DOCKER_DNS = "127.0.0.11"
"""Answers inside containers, but only on networks that people made, not on Docker's own."""


_PROCESS = re.compile(r"^\d+#\d+: ")


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What one look around a host gave.

    Attributes:
        files: NGINX's configuration as it is in force or would be, the main file first.
        whole: whether the canary's addresses were looked up too.
        at: when it was looked, epoch seconds.
    """

    version: NginxVersion
    files: Mapping[str, str]
    routing: Routing
    can: Abilities
    whole: bool
    at: float


def survey(
    host: Host, routing: Routing, live: str, resolver: str, *, whole: bool, now: float
) -> Surveyed:
    """Look around.

    Args:
        host: where NGINX runs.
        routing: addresses, whose peers are filled in.
        live: absolute path of canaryctl's file there.
        resolver: DNS server for ``resolve``, empty for none.
        whole: also look the canary up; at weight 0 nothing may depend on it.
        now: epoch seconds.

    Raises:
        HostError: the host cannot be reached, or what runs there is not NGINX.
        ConfigurationRefused: its configuration is broken as it is.
    """
    dump = host.perform([Run(("-v",)), Run(("-T",))])
    version = parse_version(dump.output)
    if version is None:
        raise HostError(
            f"what runs there is not NGINX: `nginx -v` gave {dump.output.strip()!r}",
            next_step="check gateway.binary, or gateway.container",
        )
    if dump.completed < 2:  # noqa: PLR2004  both
        raise ConfigurationRefused(
            f"NGINX's configuration is broken as it is: {complaint(dump.output)}",
            next_step="mend it until `nginx -t` passes; NGINX would not start with it",
        )
    files = dumped(dump.output)
    routing = replace(
        routing,
        stable=_located(host, routing.stable),
        canary=_located(host, routing.canary) if whole else routing.canary,
    )
    keeps = version.keeps_idle_connections
    can = Abilities(
        resolve=version.resolves,
        keepalive_min_timeout=keeps and not directive(files, "keepalive_min_timeout", besides=live),
        resolver=resolver if version.resolves and _answers_here(host, resolver) else "",
        idle_may_end=keeps,
    )
    if can.resolver:
        can = replace(can, only=_looked_up_by_dns(host, routing))
    return Surveyed(version, files, routing, can, whole, now)


def _located(host: Host, addresses: Sequence[Address]) -> tuple[Address, ...]:
    return tuple(
        replace(address, peers=host.locate(address.address).peers) if address.is_name else address
        for address in addresses
    )


def _answers_here(host: Host, resolver: str) -> bool:
    """Tell whether this DNS server can be asked there; only Docker's own is doubted."""
    if resolver != DOCKER_DNS:
        return bool(resolver)
    lines = [line.split() for line in (host.read("/etc/resolv.conf") or "").splitlines()]
    return ["nameserver", DOCKER_DNS] in lines


def _looked_up_by_dns(host: Host, routing: Routing) -> frozenset[str]:
    """Give the names that DNS is asked for: NGINX's own resolver reads no hosts file."""
    lines = (host.read("/etc/hosts") or "").splitlines()
    in_file = {name for line in lines for name in line.partition("#")[0].split()[1:]}
    both = (*routing.stable, *routing.canary)
    return frozenset(one.host for one in both if one.is_name) - in_file


def complaint(output: str) -> str:
    """Give NGINX's own words: the error lines, each once, without time stamps and process ids."""
    errors = [line for line in output.splitlines() if "[emerg]" in line or "[alert]" in line]
    said = errors or [line for line in output.splitlines() if line.strip()][-1:]
    bare = [_PROCESS.sub("", line.partition("] ")[2] or line).strip() for line in said]
    return "; ".join(dict.fromkeys(bare))
