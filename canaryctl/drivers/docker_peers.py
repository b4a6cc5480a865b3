"""Name → addresses, as Docker's embedded DNS gives them to a container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import docker

# Docker answers for containers' names on the networks people make, not on these.
_WITHOUT_NAMES = ("bridge", "host", "none")
_SHARED = "container:"
_SHORT_ID = 12


def networks_of(
    client: docker.DockerClient, container: Mapping[str, Any]
) -> Mapping[str, Mapping[str, Any]]:
    """Give a container's networks by name; one that shares another's network has those."""
    mode = str(container["HostConfig"]["NetworkMode"])
    if mode.startswith(_SHARED):
        container = client.api.inspect_container(mode.removeprefix(_SHARED))
    networks: Mapping[str, Mapping[str, Any]] = container["NetworkSettings"]["Networks"]
    return networks


def on_host_network(container: Mapping[str, Any]) -> bool:
    """Tell whether the container's loopback is the machine's."""
    return bool(container["HostConfig"]["NetworkMode"] == "host")


def in_hosts_file(container: Mapping[str, Any], name: str) -> bool:
    """Tell whether ``extra_hosts`` names it: that comes before Docker's DNS."""
    extra = container["HostConfig"].get("ExtraHosts") or []
    return any(entry.replace("=", ":", 1).partition(":")[0] == name for entry in extra)


def peers_named(
    client: docker.DockerClient, networks: Mapping[str, Mapping[str, Any]], name: str
) -> dict[str, str]:
    """Find running containers of that name, alias or Compose service.

    Returns:
        Each one's address on the network it shares → the container's name.
    """
    import docker  # noqa: PLC0415

    found: dict[str, str] = {}
    for network, joined in networks.items():
        if network in _WITHOUT_NAMES:
            continue
        for listed in client.api.containers(filters={"network": joined["NetworkID"]}):
            try:
                other = client.api.inspect_container(listed["Id"])
            except docker.errors.NotFound:
                continue  # gone between the two questions
            there = other["NetworkSettings"]["Networks"].get(network)
            if there is not None and name in _names(other, there, network):
                label = str(other["Name"]).lstrip("/")
                found.update((address, label) for address in _addresses(there))
    return found


def _names(container: Mapping[str, Any], there: Mapping[str, Any], network: str) -> set[str]:
    names = {str(container["Name"]).lstrip("/"), str(container["Id"])[:_SHORT_ID]}
    names.update(there.get("Aliases") or [])
    names.update(there.get("DNSNames") or [])  # engines from 25.0 on list all of them here
    return names | {f"{name}.{network}" for name in names}


def _addresses(there: Mapping[str, Any]) -> Iterator[str]:
    for key in ("IPAddress", "GlobalIPv6Address"):
        if there.get(key):
            yield str(there[key])
