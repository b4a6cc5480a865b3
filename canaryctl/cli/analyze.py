"""``canaryctl analyze``: compare and judge now, change nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Output, context

if TYPE_CHECKING:
    from canaryctl.core.gate import Finding
    from canaryctl.core.look import Look
    from canaryctl.wiring import Build

_WATCHED = 10.0
_SHORTEST = 1.0
"""Seconds. Pages are looked at once a second, and Prometheus is asked for whole seconds."""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("analyze")(analyze)


def analyze(
    ctx: typer.Context,
    window: Annotated[
        str | None,
        typer.Option(
            help="How far back; for `scrape`, how long is watched. Else plan.observe / 10s."
        ),
    ] = None,
    version: Annotated[str, typer.Option("--version", help="The release, for queries.")] = "now",
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Compare canary and stable on what the metrics source says now, and judge by every gate.

    Ends 0 when all gates pass, 1 when one failed, 4 when one cannot tell.
    """
    from canaryctl.cli.flags import release_of
    from canaryctl.core.comparison.advice import advise, critical
    from canaryctl.core.comparison.compare import compare
    from canaryctl.core.measure import measure
    from canaryctl.listeners.comparison import advice_lines, comparison_lines
    from canaryctl.listeners.comparison_record import comparison_record
    from canaryctl.listeners.line import line
    from canaryctl.listeners.records import finding as fields
    from canaryctl.listeners.tree import Before, tree

    build = context(ctx).build()
    length = None if window is None else _length(window)
    gates = build.config.core_gates()
    look = _looked(build, length, release_of(version))
    findings = measure(gates, look)
    comparison = compare(gates, look)
    advice = advise(comparison, findings, critical(gates))
    verdict, code = _verdict(findings)
    if output is Output.JSON:
        found = comparison_record(comparison, advice)
        judged = {"verdict": verdict, "findings": [fields(finding) for finding in findings]}
        typer.echo(json.dumps({**found, **judged}))
    else:
        for one in (
            *comparison_lines(comparison),
            line(),
            *tree(findings, None, Before.of(())),
            line(),
            *advice_lines(comparison, advice),
        ):
            typer.echo(one.text)
    raise typer.Exit(code)


def _length(window: str) -> float:
    from canaryctl.cli.flags import seconds_of
    from canaryctl.core.errors import ConfigError

    length = seconds_of("--window", window)
    if length < _SHORTEST:
        raise ConfigError(f"--window {window!r}: at least {_SHORTEST:g} s; nothing was touched")
    return length


def _looked(build: Build, length: float | None, release: str) -> Look:
    """Read what gates and comparison need: the past, or where none is kept, what comes now."""
    from canaryctl.core.comparison.source import Source
    from canaryctl.core.look import Frame, Look, wanted
    from canaryctl.core.series import Wanted
    from canaryctl.core.weight import Weight

    config, clock = build.config, build.clock
    gates, select = config.core_gates(), config.select()
    scraping = config.metrics.provider == "scrape"
    if length is None:
        length = _WATCHED if scraping else config.plan.observe
    since = clock.now() if scraping else clock.now() - length
    frame = Frame(since, since, config.plan.interval, select, release, Weight.ZERO)

    def asked(now: float) -> tuple[Wanted, ...]:
        needed = (*wanted(gates, frame, now), *Source.of(gates).wanted())
        return tuple(dict.fromkeys(needed))

    now = clock.now()
    readings = build.metrics.read(asked(now), since)
    while scraping and (left := since + length - clock.now()) > 0:
        clock.sleep(min(left, 1.0))
        now = clock.now()
        readings = build.metrics.read(asked(now), since)
    return Look(frame, readings, now)


def _verdict(findings: tuple[Finding, ...]) -> tuple[str, int]:
    """Give the gates' verdict and its exit code; what only warns has no say."""
    from canaryctl.core.gate import Severity, Status

    binding = [finding for finding in findings if finding.severity is Severity.ROLLBACK]
    if any(finding.status is Status.FAIL for finding in binding):
        return "fail", 1
    if any(finding.status in (Status.NO_DATA, Status.ERROR) for finding in binding):
        return "unsure", 4
    return "pass", 0
