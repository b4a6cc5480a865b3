"""``rollout --dry-run``: the whole plan, checked, with nothing changed.

Made for CI: neither Docker nor NGINX nor Prometheus need be there. Where they can be reached
they are used, and what they refuse fails the dry run.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from canaryctl.cli.context import Output
from canaryctl.core.errors import (
    CanaryctlError,
    ConfigError,
    ConfigurationRefused,
    HostError,
    MetricsUnavailable,
)
from canaryctl.core.weight import Weight

if TYPE_CHECKING:
    from canaryctl.config.model import Config
    from canaryctl.preflight import Preflight
    from canaryctl.wiring import Build


def rehearse(
    config: Config, path: Path, release: str, output: Output, deploy: bool | None = None
) -> None:
    """Show the plan, its configurations and queries; fail on what would fail later.

    Args:
        config: with the flags' values in it.
        path: of canary.yaml.
        release: the version to roll out.
        output: how it is shown.
        deploy: the canary is to be brought up first; None: as ``deploy.on_rollout`` says.

    Raises:
        ConfigError: something would fail; all of it is listed.
    """
    from canaryctl.cli.ci_run import summarise
    from canaryctl.cli.dry_run_deploy import deploy_checks, deployment
    from canaryctl.cli.dry_run_summary import plan_summary
    from canaryctl.cli.dry_run_text import told
    from canaryctl.listeners.waits_record import stage_record
    from canaryctl.wiring import Build

    build = Build(config, path.resolve().parent)
    plan = config.core_plan()
    if deploy is None:
        deploy = config.deploy is not None and config.deploy.on_rollout
    deployed = deployment(build, release) if deploy else None
    stages = [{"stage": n, **stage_record(stage)} for n, stage in enumerate(plan.stages, 1)]
    diffs = list(_diffs(build, release))
    queries = list(_queries(build, release))
    hooks: list[dict[str, Any]] = [
        {"name": hook.name, "gate": hook.gate, "at": [moment.value for moment in given.at]}
        for hook, given in zip(config.core_hooks(), config.hooks, strict=True)
    ]
    checks = [*(deploy_checks(build, release) if deploy else ()), *_checks(build, release, deploy)]
    failed = [check for check in checks if check["passed"] is False]
    said = {
        "event": "dry_run",
        "version": release,
        "service": config.service,
        "deploy": deployed,
        "stages": stages,
        "duration": plan.duration,
        "longest": plan.longest,
        "configurations": diffs,
        "queries": queries,
        "hooks": hooks,
        "checks": checks,
        "passed": not failed,
    }
    summarise(lambda: plan_summary(said))
    if output is Output.JSON:
        typer.echo(json.dumps(said))
    else:
        for line in told(said, plan):
            typer.echo(line)
    if failed:
        raise ConfigError(
            "dry run: " + "; ".join(f"{check['name']}: {check['detail']}" for check in failed),
            next_step="mend this first; the rollout would fail on it",
        )


def _diffs(build: Build, release: str) -> Iterator[dict[str, Any]]:
    """Render every stage; each is shown against the one before it."""
    weights = [Weight.ZERO, *(stage.weight for stage in build.config.core_plan().stages)]
    before = ""
    for weight, text in zip(weights, _texts(build, release, weights), strict=True):
        lines = difflib.unified_diff(
            before.splitlines(), text.splitlines(), "before", f"{weight} %", lineterm="", n=1
        )
        yield {"weight": float(str(weight)), "diff": "\n".join(lines), "text": text}
        before = text


def _texts(build: Build, release: str, weights: Sequence[Weight]) -> list[str]:
    """Render as the NGINX there would get it; without one, as any NGINX would."""
    from canaryctl.drivers.template import Abilities, render
    from canaryctl.ports import Mark

    mark, generation = Mark(release), "dry-run"
    try:
        return [build.router.preview(weight, generation, mark) for weight in weights]
    except (HostError, ConfigurationRefused):
        # Said by the checks; the template itself is looked at all the same.
        return [
            render(build.template, build.routing, weight, generation, mark, Abilities())
            for weight in weights
        ]


def _queries(build: Build, release: str) -> Iterator[dict[str, Any]]:
    """Name what each gate will ask, and its limits."""
    from canaryctl.cli.rules import rule_line
    from canaryctl.core.look import Frame, asked_by

    now = build.clock.now()
    plan, select = build.config.core_plan(), build.config.select()
    began = now - plan.interval
    frame = Frame(began, began, plan.interval, select, release, plan.stages[0].weight)
    for gate in build.config.core_gates():
        texts = [
            want.query
            if hasattr(want, "query")
            else str(want.selector.where(select.get(want.version, {})))
            for want in asked_by(gate, frame, now)
        ]
        yield {"gate": gate.rule.name, "rule": rule_line(gate), "queries": texts}


def _checks(build: Build, release: str, deploy: object) -> Iterator[dict[str, Any]]:
    """Use what can be reached; what cannot is said and passes, for CI has none of it."""
    plan = build.config.core_plan()
    weights = [Weight.ZERO, *(stage.weight for stage in plan.stages)]
    try:
        if deploy and (absent := _absent(build)):
            said = f"{', '.join(absent)} is not there yet: NGINX is asked about its weights then"
            yield {"name": "canary", "passed": None, "detail": said}
            weights = [Weight.ZERO]
        notes = build.router.check(weights)
        accepted = f"accepts {', '.join(map(str, weights))} % ({'; '.join(notes)})"
        yield {"name": build.host.describe(), "passed": True, "detail": accepted}
        listener = _preflight(build, release).control_listener()
        yield from ({"name": c.name, "passed": c.passed, "detail": c.detail} for c in listener)
    except HostError as error:
        yield {"name": "NGINX", "passed": None, "detail": f"not reached from here: {error}"}
    except CanaryctlError as error:
        yield {"name": "NGINX", "passed": False, "detail": str(error)}
    yield from _metrics_checks(build, release)


def _absent(build: Build) -> list[str]:
    """Name the canary's addresses that NGINX's host does not know.

    Raises:
        HostError: it cannot be reached.
    """
    addresses = build.config.versions.canary.address
    return [one for one in addresses if not build.host.locate(one).peers]


def _metrics_checks(build: Build, release: str) -> Iterator[dict[str, Any]]:
    """Where the source answers, hold every gate against it as the rollout's preflight will."""
    from canaryctl.core.look import UP
    from canaryctl.core.series import SeriesWanted, Version
    from canaryctl.preflight import CANARY_METRICS

    try:
        build.metrics.read((SeriesWanted(Version.STABLE, UP),), build.clock.now())
    except MetricsUnavailable as error:
        yield {"name": "metrics", "passed": None, "detail": f"not reached from here: {error}"}
        return
    for check in _preflight(build, release).metrics_source():
        # In CI the canary is not started yet; everything else must be there already.
        passed = None if check.name == CANARY_METRICS else check.passed
        yield {"name": check.name, "passed": passed, "detail": check.detail}


def _preflight(build: Build, release: str) -> Preflight:
    from canaryctl.preflight import Preflight

    config = build.config
    return Preflight(
        plan=config.core_plan(),
        gates=config.core_gates(),
        router=build.router,
        host=build.host,
        metrics=build.metrics,
        clock=build.clock,
        addresses=config.versions.canary.address,
        select=config.select(),
        release=release,
        verify=config.gateway.verify,
        exposed=build.exposed,
    )
