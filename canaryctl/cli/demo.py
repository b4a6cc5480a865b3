"""``canaryctl demo``: a real rollout on this machine, leaving nothing behind."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Context, Output

if TYPE_CHECKING:
    from pathlib import Path

    from canaryctl.demo.processes import Child
    from canaryctl.demo.stack import Stack

RATE = 300
CONNECTIONS = 48
LOAD_AT_MOST = 600
"""Seconds: the load ends by itself, whatever becomes of the demo."""


class FaultName(enum.StrEnum):
    """What ``--fault`` takes."""

    ERRORS = "errors"
    LATENCY = "latency"
    SCHEMA = "schema"
    LOSS = "loss"
    DOWN = "down"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("demo")(demo)


def demo(
    fault: Annotated[
        FaultName | None, typer.Option(help="Break the canary, and see it thrown back.")
    ] = None,
    fault_stage: Annotated[
        int, typer.Option(min=1, max=4, help="The stage in which it breaks.")
    ] = 2,
    docker: Annotated[
        bool, typer.Option("--docker", help="NGINX, both versions and Prometheus in containers.")
    ] = False,
    observation_period: Annotated[
        str, typer.Option(help="How long each stage is observed.")
    ] = "8s",
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Run a real rollout: a real NGINX, two versions of a service, bounded load."""
    import contextlib
    import os
    import tempfile
    from pathlib import Path

    from canaryctl.cli.flags import seconds_of
    from canaryctl.cli.rollout import run
    from canaryctl.core.weight import Weight
    from canaryctl.demo.fault import Fault, FaultInjector
    from canaryctl.demo.stack import RELEASE
    from canaryctl.demo.warm_up import wait_for_traffic
    from canaryctl.drivers.clock import SystemClock
    from canaryctl.ports import Mark

    seconds_of("--observation-period", observation_period)
    clock = SystemClock()
    with (
        tempfile.TemporaryDirectory(prefix="canaryctl-demo-") as folder,
        contextlib.ExitStack() as up,
    ):
        base = Path(folder)
        os.environ["CANARYCTL_STATE_DIR"] = str(base / "state")  # the user's journal stays theirs
        if docker:
            from canaryctl.demo.docker_stack import docker_stack

            stack = up.enter_context(docker_stack(base, clock, observation_period))
        else:
            from canaryctl.demo.local_stack import local_stack

            stack = up.enter_context(local_stack(base, clock, observation_period))
        given = Context(stack.config)
        build = given.build()
        typer.echo(f"demo: {stack.said}", err=True)
        build.router.set(Weight.ZERO, Mark(reason="demo begins"), None)
        report = base / "load.json"
        extra = [FaultInjector(stack.faults, Fault(fault), fault_stage)] if fault else []
        with _load(stack, base, report):
            wait_for_traffic(build.metrics, clock)
            state = run(build.config, given, RELEASE, output, extra)
        _tell(report)  # complete only once the load has ended
    assert state.ending is not None  # noqa: S101  a rollout that returned has ended
    raise typer.Exit(state.ending.exit_code)


def _load(stack: Stack, base: Path, report: Path) -> Child:
    import sys

    from canaryctl.demo.processes import Child
    from canaryctl.drivers.clock import SystemClock

    argv = [
        *(sys.executable, "-m", "canaryctl.demo.load", "--url", stack.url),
        *("--rate", str(RATE), "--seconds", str(LOAD_AT_MOST)),
        *("--connections", str(CONNECTIONS), "--report", str(report)),
    ]
    return Child("load", argv, log_dir=base, clock=SystemClock())


def _tell(report: Path) -> None:
    """Say what the clients saw."""
    import json

    if not report.exists():
        return
    seen = json.loads(report.read_text(encoding="utf-8"))
    by_version = ", ".join(f"{n} by {version}" for version, n in sorted(seen["versions"].items()))
    failed = sum(n for status, n in seen["statuses"].items() if int(status) >= 500)  # noqa: PLR2004
    typer.echo(
        f"demo: clients sent {seen['sent']} requests ({by_version}); "
        f"{failed} answered with an error, {seen['lost']} lost",
        err=True,
    )
