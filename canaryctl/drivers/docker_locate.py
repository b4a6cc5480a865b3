"""Where a name leads to from inside a container, and whether anybody answers there."""

from __future__ import annotations

from collections.abc import Mapping

from canaryctl.drivers import docker_peers, reach
from canaryctl.drivers.docker_connect import engine_errors
from canaryctl.drivers.docker_exec import COULD_NOT_START
from canaryctl.drivers.docker_inside import Inside
from canaryctl.ports import Located

_LOCAL_ENGINE = "http+docker://localhost"  # how the SDK names an engine behind a Unix socket


def located(inside: Inside, wanted: reach.Address, within: float) -> Located:
    """Look an address up as a program in the container would, and try to connect.

    The attempt is made from here, where containers are not always in reach: silence is
    "cannot be told", only a refusal is a no.

    Args:
        inside: the container.
        wanted: what to look up.
        within: seconds for one connection.
    """
    ips = {wanted.host: ""} if wanted.literal else _resolve(inside, wanted.host)
    if ips is None:
        return Located((), None, f"{inside.name} has no getent to look up {wanted.host}")
    if not ips:
        return Located((), False, _unknown(inside, wanted.host))
    peers = tuple(reach.peer(ip, wanted.port) for ip in ips)
    if why := _out_of_reach(inside, wanted):
        return Located(peers, None, why)
    answers = reach.knock_all(list(ips), wanted.port, within)
    return Located(peers, _verdict(answers), _told(answers, ips, wanted.port))


def _resolve(inside: Inside, name: str) -> dict[str, str] | None:
    """Give addresses and whose they are; None when the container cannot be asked."""
    with engine_errors(f"cannot look up {name!r} among the containers"):
        if not docker_peers.in_hosts_file(inside.found, name):
            networks = docker_peers.networks_of(inside.client, inside.found)
            if peers := docker_peers.peers_named(inside.client, networks, name):
                return peers
    ended = inside.run(["getent", "ahostsv4", name])
    if ended.exit_code in COULD_NOT_START:
        return None
    words = [line.split() for line in ended.text.splitlines()]
    return {line[0]: "" for line in words if line and reach.is_ip(line[0])}


def _unknown(inside: Inside, name: str) -> str:
    networks = ", ".join(docker_peers.networks_of(inside.client, inside.found)) or "none"
    return (
        f"{name} is no running container on the networks of {inside.name} ({networks}), "
        "and no other name known there"
    )


def _out_of_reach(inside: Inside, wanted: reach.Address) -> str:
    """Say why an attempt from here would prove nothing; empty when it would."""
    if wanted.loopback and not docker_peers.on_host_network(inside.found):
        return f"{wanted.host} is the inside of {inside.name}, which cannot be told from here"
    if inside.client.api.base_url != _LOCAL_ENGINE:
        return "the engine is on another machine: whether it answers cannot be told from here"
    return ""


def _verdict(answers: Mapping[str, reach.Answer]) -> bool | None:
    if reach.Answer.ACCEPTED in answers.values():
        return True
    return None if reach.Answer.SILENT in answers.values() else False


def _told(answers: Mapping[str, reach.Answer], names: Mapping[str, str], port: int) -> str:
    said: list[str] = []
    for ip, name in names.items():
        at = reach.peer(ip, port)
        said.append(f"{name} ({at}) {answers[at]}" if name else f"{at} {answers[at]}")
    return ", ".join(said)
