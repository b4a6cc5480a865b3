"""From what is there to the first rollout, in the order that loses no request.

The location is changed last: until ``canaryctl weights set 0`` has brought canaryctl's file into
force, its lines would answer 503.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from canaryctl.cli.init_choice import Choice
from canaryctl.cli.init_find import CONTROL
from canaryctl.cli.init_near import Nearness
from canaryctl.cli.init_nginx import ATTEMPTS
from canaryctl.config.load import DEFAULT
from canaryctl.resources import shipped

HTTP = "nginx/canaryctl-http.conf"
LOCATION = "nginx/canaryctl-location.conf"
_NOT_SEEN = (
    "notice nothing, as no NGINX was seen running; replacing the container of one that does "
    "would leave them without it for a second or so"
)
# Before keepalive_min_timeout is in force (canaryctl's file sets it, from NGINX 1.27.4 on).
_AS_EVER = (
    "; as at any reload of this NGINX, kept-alive connections that are idle just then are closed: "
    "a client that uses one again and does not retry may lose that request"
)
_UNUSED = "notice nothing; no request uses this yet"


@dataclass(frozen=True, slots=True)
class Put:
    """Lines, and where they go."""

    where: str
    lines: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    Attributes:
        do: in words.
        clients: what they notice of it, following "Clients:".
        puts: what to write, before
        run: commands to run, in order.
    """

    do: str
    clients: str
    puts: tuple[Put, ...] = ()
    run: tuple[str, ...] = ()


def steps_to_take(choice: Choice, path: Path) -> tuple[Step, ...]:
    """Give all steps from here to the rehearsal.

    Args:
        choice: for which NGINX and service.
        path: the file that was written.
    """
    usual = str(path) == DEFAULT and not os.environ.get("CANARYCTL_CONFIG")
    command = "canaryctl" if usual else f"canaryctl --config {shlex.quote(str(path))}"
    seen = choice.configuration
    running = choice.nginx is not None
    files = _files(choice)
    steps = [_read(choice, path, command)]
    if port := _control_port(choice):
        steps.append(port)
    if files:
        prepared = "Give NGINX what canaryctl needs (nginx/nginx.canary.conf is a complete example)"
        steps.append(Step(prepared, f"{_UNUSED}, and NGINX has not read it", files))
    if not running:
        steps.append(_start(choice))
    elif files:
        steps.append(_reload(choice, _UNUSED + _AS_EVER))
    if seen.routed and seen.include and seen.written:
        do = "NGINX is prepared and has weights already: see them"
        steps.append(Step(do, "notice nothing; this only reads", run=(f"{command} weights",)))
    else:
        do = "Bring canaryctl's file into force, with all traffic on stable"
        before = f"notice nothing; they still go through your own proxy_pass{_AS_EVER}"
        if seen.routed:
            before = "get 503 where this file is missing, and answers from stable from now on"
        steps.append(Step(do, before, run=(f"{command} weights set 0",)))
    if not seen.routed:
        do = "Only now change the location of this service"
        lines = shipped(LOCATION).read_text(encoding="utf-8")
        put = Put("in that location {}, instead of its proxy_pass and what goes with it", lines)
        steps.append(Step(do, "notice nothing; NGINX has not read it", (put,)))
        said = "notice nothing; stable goes on serving them, now with X-Canary-Version: stable"
        said += f"{_AS_EVER} (from NGINX 1.27.4 on they are kept)"
        steps.append(_reload(choice, said))
    rehearse = f"{command} rollout --version v0.2.0 --dry-run"
    do = "Start the canary beside stable, if it does not run, and rehearse a rollout"
    steps.append(Step(do, "notice nothing; the canary gets no requests", run=(rehearse,)))
    return tuple(steps)


def _read(choice: Choice, path: Path, command: str) -> Step:
    do = f"Read {path}: see that gateway is the NGINX in front of this service"
    nginx = choice.nginx
    if nginx is not None and nginx.nearness in (Nearness.SAME_SERVICE, Nearness.FOREIGN):
        do += f" (container {nginx.name} belongs to another project, {nginx.project})"
    return Step(do, "notice nothing; it changes nothing", run=(f"{command} config check",))


def _control_port(choice: Choice) -> Step | None:
    """Publish it, unless it is; a container's ports cannot be changed while it runs."""
    nginx = choice.nginx
    if nginx is not None and (nginx.driver != "docker" or nginx.host_network or nginx.control):
        return None
    if choice.in_compose is not None and choice.in_compose.published(CONTROL):
        return None
    mapping = f"127.0.0.1:{CONTROL}:{CONTROL}"
    service = choice.in_compose.name if choice.in_compose else nginx.service if nginx else ""
    if service:
        put = Put(f"in ports of Compose service {service}", f'- "{mapping}"\n')
    else:
        put = Put("among the options of `docker run`", f"--publish {mapping}\n")
    if nginx is None and choice.in_compose is not None:
        do = "Publish NGINX's control port, on loopback only"
        return Step(do, "notice nothing; this NGINX does not run", (put,))
    if nginx is None:
        do = "Publish NGINX's control port, on loopback only, if NGINX runs in a container"
        return Step(do, _NOT_SEEN, (put,))
    do = "Publish NGINX's control port, on loopback only, and have the container created anew"
    if nginx.mounted(choice.place) is None:
        do += f"; put {PurePosixPath(choice.place).parent} on a volume in the same go"
    clients = (
        "find no NGINX for the second or so in which its container is replaced: the one step "
        "that they notice, so choose a quiet moment. No port can be added to a running container"
    )
    run = (f"docker-compose up -d {shlex.quote(service)}",) if service else ()
    return Step(do, clients, (put,), run)


def _files(choice: Choice) -> tuple[Put, ...]:
    """Give what NGINX's configuration lacks besides the location."""
    seen = choice.configuration
    folder = PurePosixPath(choice.place).parent
    puts = []
    if not seen.bounded:
        where = (
            "at the top of NGINX's main file, outside any block, so that workers with old weights "
            "end even when a WebSocket is held open"
        )
        puts.append(Put(where, "worker_shutdown_timeout 30s;\n"))
    if not seen.include:
        where = (
            "inside http {}, before its first server {}; this finds canaryctl's file and the next "
            "one, and needs neither to start"
        )
        puts.append(Put(where, f"include {folder}/canaryctl-*.conf;\n"))
    if not seen.logged:
        where = f"a new file {folder}/{seen.http_file}"
        puts.append(Put(where, shipped(HTTP).read_text(encoding="utf-8")))
    elif not seen.counted:
        where = "inside http {}, where `log_format canary` is: a newer version counts attempts too"
        puts.append(Put(where, _counting(HTTP)))
    if seen.routed and not seen.attempts:
        where = "where `access_log … canary …` is, beside it"
        puts.append(Put(where, _counting(LOCATION)))
    # A prepared NGINX is not changed for the sake of worker_shutdown_timeout alone.
    prepared = seen.routed and seen.include and seen.logged and seen.counted and seen.attempts
    return () if prepared else tuple(puts)


def _counting(name: str) -> str:
    """Give the lines of a packaged file that are there to count attempts."""
    lines = shipped(name).read_text(encoding="utf-8").splitlines(keepends=True)
    wanted = (f"${ATTEMPTS} {{", "$canaryctl_counted {", f" {ATTEMPTS} ")
    return "".join(line for line in lines if any(words in line for words in wanted))


def _start(choice: Choice) -> Step:
    service = choice.in_compose
    if service is None:
        do = "Start NGINX; where it runs after all, test and reload it: nginx -t && nginx -s reload"
        return Step(do, _NOT_SEEN)
    run = (f"docker-compose up -d {shlex.quote(service.name)}",)
    return Step("Start NGINX", "are served as your own configuration says", run=run)


def _reload(choice: Choice, clients: str) -> Step:
    nginx = choice.nginx
    called = nginx.command if nginx is not None else ("nginx",)
    if nginx is not None and nginx.driver == "docker":
        called = ("docker", "exec", nginx.name, *called)
    elif nginx is None and choice.in_compose is not None:
        called = ("docker-compose", "exec", choice.in_compose.name, *called)
    line = shlex.join(called)
    return Step("Test and reload", clients, run=(f"{line} -t && {line} -s reload",))
