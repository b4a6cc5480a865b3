"""``canaryctl analyze``: judge now, change nothing."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from canaryctl.cli.context import Output, context


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
    """Judge the canary by every gate on what the metrics source says now.

    Ends 0 when all pass, 1 when one failed, 4 when one cannot tell.
    """
    from canaryctl.cli.flags import release_of, seconds_of
    from canaryctl.core.gate import Severity, Status
    from canaryctl.core.look import Frame, Look, wanted
    from canaryctl.core.measure import measure
    from canaryctl.core.weight import Weight
    from canaryctl.listeners.records import finding as fields
    from canaryctl.listeners.tree import Before, tree

    build = context(ctx).build()
    config, clock = build.config, build.clock
    scraping = config.metrics.provider == "scrape"
    default = 10.0 if scraping else config.plan.observe
    length = seconds_of("--window", window) if window else default
    gates, select = config.core_gates(), config.select()
    since = clock.now() if scraping else clock.now() - length
    frame = Frame(since, since, config.plan.interval, select, release_of(version), Weight.ZERO)
    readings = build.metrics.read(wanted(gates, frame, clock.now()), since)
    while scraping and (left := since + length - clock.now()) > 0:
        clock.sleep(min(left, 1.0))
        readings = build.metrics.read(wanted(gates, frame, clock.now()), since)
    asked = clock.now()
    if not scraping:
        readings = build.metrics.read(wanted(gates, frame, asked), since)
    findings = measure(gates, Look(frame, readings, asked))
    binding = [finding for finding in findings if finding.severity is Severity.ROLLBACK]
    failed = any(finding.status is Status.FAIL for finding in binding)
    unsure = any(finding.status in (Status.NO_DATA, Status.ERROR) for finding in binding)
    if output is Output.JSON:
        typer.echo(
            json.dumps(
                {
                    "window": length,
                    "verdict": "fail" if failed else "unsure" if unsure else "pass",
                    "findings": [fields(finding) for finding in findings],
                }
            )
        )
    else:
        for line in tree(findings, None, Before.of(())):
            typer.echo(line.text)
    raise typer.Exit(1 if failed else 4 if unsure else 0)
