"""What stable and the canary have to pass, as canary.yaml says, and where it is told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from canaryctl.cli.context import Output

if TYPE_CHECKING:
    from canaryctl.deploying.bring_up import BringUp, Identify, Smoke
    from canaryctl.deploying.side import Side
    from canaryctl.deploying.teller import Steps
    from canaryctl.listeners.step_lines import StepLines
    from canaryctl.wiring import Build


def step_lines(event: str, build: Build, output: Output) -> StepLines:
    """Choose where steps are told: JSON alone on stdout, lines for people beside it."""
    from canaryctl.listeners.step_lines import StepLines

    if output is Output.JSON:
        return StepLines(event, build.clock, sys.stderr, sys.stdout)
    return StepLines(event, build.clock, sys.stdout)


def bring_up(build: Build, side: Side, release: str, steps: Steps) -> BringUp:
    """Give what a side has to pass before it gets traffic.

    Raises:
        ConfigError: the smoke suite cannot be read, or is wrong.
    """
    from canaryctl.deploying.bring_up import BringUp
    from canaryctl.deploying.requests import Requests

    deploy = build.config.deploy
    assert deploy is not None  # noqa: S101  the caller looked
    versions = build.config.versions
    model = versions.stable if side.name == "stable" else versions.canary

    def urls() -> Sequence[str]:
        if model.url:
            return (model.reached_at(),)
        # Past NGINX, from here: an engine of this machine lets its containers' addresses be asked.
        return [f"http://{peer}" for one in model.address for peer in build.host.locate(one).peers]

    where = ", ".join(model.address)
    return BringUp(
        side=side,
        requests=Requests(urls, deploy.warm_up.path, build.clock, where),
        identify=_identify(build, side.name, release),
        smoke=_smoke(build, side) if deploy.smoke_test else None,
        warm_up=deploy.warm_up.requests,
        within=deploy.healthy_within,
        steps=steps,
    )


def _identify(build: Build, name: str, release: str) -> Identify:
    """Ask one side's servers who they are, by what canary.yaml tells of it.

    What stable says of itself is the old version until it is promoted: its question is asked, and
    the canary's answer expected; where only the canary has a question, it is the same service.
    """
    from canaryctl.drivers.identity import Identities, Question

    versions = build.config.versions
    model = versions.stable if name == "stable" else versions.canary
    asked = model.identity or versions.canary.identity
    if asked is None:
        return tuple
    equals = (versions.canary.identity or asked).equals
    if "{release}" not in equals:
        equals = "{release}"
    question = Question(name, model.address, asked.path, asked.json_field, equals)
    return lambda: Identities(build.host, build.clock, [question]).check(release)


def _smoke(build: Build, side: Side) -> Smoke:
    """Give the smoke suite for one side."""
    from canaryctl.core.series import Version
    from canaryctl.deploying.smoke_step import SmokeStep

    version = Version.STABLE if side.name == "stable" else Version.CANARY
    return SmokeStep.of(build.config, build.base, version, build.clock)
