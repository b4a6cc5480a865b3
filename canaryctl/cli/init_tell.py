"""What an existing NGINX must be given, and what to do next."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from canaryctl.cli.init_choice import Choice
from canaryctl.cli.init_find import CONTROL, Found, Nginx
from canaryctl.config.load import DEFAULT
from canaryctl.resources import shipped

HTTP = "nginx/canaryctl-http.conf"
LOCATION = "nginx/canaryctl-location.conf"
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  recognised, to be warned of


def found_lines(found: Found, choice: Choice) -> Iterator[str]:
    """Say what was found and taken, and what besides."""
    from canaryctl.listeners.line import clean

    taken = choice.nginx
    yield f"  gateway   {clean(_gateway(choice))}"
    for label, one in (("stable", choice.stable), ("canary", choice.canary)):
        said = f"{one.address} ({one.file})" if one else "not found: fill its address in"
        yield f"  {label:<9} {clean(said)}"
    yield f"  metrics   {clean(choice.prometheus or '/metrics of each version')}"
    for nginx in found.nginx:
        if nginx is not taken:
            yield f"  also      {clean(_named(nginx))}"
    for note in (*found.notes, *warnings(choice)):
        yield f"  note      {clean(note)}"


def next_commands(path: Path) -> tuple[str, ...]:
    """Give the commands that come next."""
    usual = str(path) == DEFAULT and not os.environ.get("CANARYCTL_CONFIG")
    option = "" if usual else f" --config {shlex.quote(str(path))}"
    return (
        f"canaryctl{option} config check",
        f"canaryctl{option} weights set 0",
        f"canaryctl{option} rollout --version v0.2.0 --dry-run",
    )


def needed(choice: Choice) -> list[dict[str, str]]:
    """Give what NGINX's configuration still lacks: where, why, and the very lines."""
    seen = choice.nginx.configuration if choice.nginx else None
    if seen is not None and seen.routed and seen.include:
        return []
    place = PurePosixPath(choice.place)
    lacking = []
    if seen is None or not seen.include:
        lacking.append(
            {
                "where": "inside http {}",
                "why": "canaryctl's file and the one below are found; none is needed to start",
                "lines": f"include {place.parent}/canaryctl-*.conf;\n",
            }
        )
    if seen is None or not seen.logged:
        lacking.append(
            {
                "where": f"a file {place.parent}/canaryctl-http.conf",
                "why": "the log format; the maps let NGINX start before canaryctl's file exists",
                "lines": shipped(HTTP).read_text(encoding="utf-8"),
            }
        )
    if seen is None or not seen.routed:
        lacking.append(
            {
                "where": "in the location of this service, instead of its proxy_pass",
                "why": "requests go to the version that the weights choose",
                "lines": shipped(LOCATION).read_text(encoding="utf-8"),
            }
        )
    if seen is None or not seen.bounded:
        lacking.append(
            {
                "where": "at the top of NGINX's main file, outside any block",
                "why": "workers with the old weights end even when a WebSocket is held open",
                "lines": "worker_shutdown_timeout 30s;\n",
            }
        )
    return lacking


def needed_lines(choice: Choice) -> Iterator[str]:
    """Say what NGINX still lacks."""
    lacking = needed(choice)
    if not lacking:
        yield "NGINX is prepared: it includes canaryctl's file and routes by it."
        return
    yield "NGINX needs this once (nginx/nginx.canary.conf is a complete example):"
    for number, one in enumerate(lacking, 1):
        yield ""
        yield f"  {number}. {one['where']} ({one['why']}):"
        for line in one["lines"].splitlines():
            yield f"       {line}".rstrip()


def _gateway(choice: Choice) -> str:
    if choice.nginx is not None:
        return _named(choice.nginx)
    if choice.in_compose is not None:
        return f"service {choice.in_compose.name} of {choice.in_compose.file}, which does not run"
    return "no NGINX was found: fill gateway in"


def _named(nginx: Nginx) -> str:
    if nginx.driver == "local":
        return f"NGINX on this machine ({nginx.name})"
    ports = ", ".join(map(str, nginx.ports)) or "no ports published"
    return f"container {nginx.name} ({nginx.image}; {ports})"


def warnings(choice: Choice) -> Iterator[str]:
    """Say what is wrong with the NGINX that was chosen."""
    nginx = choice.nginx
    if nginx is None:
        return
    if nginx.problem:
        yield f"its configuration could not be read: {nginx.problem}"
    if nginx.driver != "docker":
        return
    control = nginx.control
    if control is None and not nginx.host_network:
        yield (
            "it publishes no port for the control listener: add "
            f"127.0.0.1:{CONTROL}:{CONTROL} to its ports"
        )
    elif control is not None and control.address in _EVERYWHERE:
        yield (
            f"port {control.here}, the control listener's, is published on every interface: "
            f"publish it as 127.0.0.1:{control.here}:{control.container}"
        )
    parent = PurePosixPath(choice.place).parent
    writable = nginx.mounted(choice.place)
    if writable is None:
        yield f"{parent} is on no volume: the weights are gone when the container is recreated"
    elif not writable:
        yield f"{parent} is mounted read-only: canaryctl cannot write its file there"
