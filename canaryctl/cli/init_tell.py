"""What was found, what is wrong with it, and the steps, in words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from canaryctl.cli.init_choice import Choice
from canaryctl.cli.init_find import CONTROL, Found, Nginx
from canaryctl.cli.init_near import Nearness
from canaryctl.cli.init_steps import Step

_INDENT = " " * 5
_WIDTH = 100
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


def step_lines(steps: Sequence[Step]) -> Iterator[str]:
    """Say what is to be done, from top to bottom."""
    from canaryctl.listeners.line import clean

    yield "Do this in order, each step when the one before has succeeded:"
    for number, step in enumerate(steps, 1):
        yield ""
        yield from _wrapped(f"{number:>3}. ", clean(step.do))
        for put in step.puts:
            yield from _wrapped(_INDENT, f"{clean(put.where)}:")
            for line in put.lines.splitlines():
                yield f"       {line}".rstrip()
        for command in step.run:
            yield f"{_INDENT}$ {clean(command)}"
        yield from _wrapped(_INDENT, f"Clients: {clean(step.clients)}.")


def _wrapped(first: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=_INDENT, break_on_hyphens=False
    )


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
    if nginx.nearness in (Nearness.SAME_SERVICE, Nearness.FOREIGN):
        where = f" in {nginx.directory}" if nginx.directory else ""
        yield (
            f"it belongs to another Compose project, {nginx.project}{where}: make sure that it is "
            "the NGINX in front of your service"
        )
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
