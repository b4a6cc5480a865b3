"""``canaryctl simulate``: how often this configuration would be wrong, and what that would cost."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Context, Output, context
from canaryctl.cli.options import Interval, ObservationPeriod, Stages

if TYPE_CHECKING:
    from canaryctl.config.model import Config
    from canaryctl.simulate.many import Task
    from canaryctl.simulate.service import Measured, Service
    from canaryctl.simulate.world import Family


class Advance(enum.StrEnum):
    """What ``--advance`` takes."""

    TIME = "time"
    EVIDENCE = "evidence"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("simulate")(simulate)


def simulate(
    ctx: typer.Context,
    rps: Annotated[
        str | None,
        typer.Option(help="Requests a second, both versions together: 2,20. Else as measured now."),
    ] = None,
    errors: Annotated[
        str | None, typer.Option(help="Base error rate: 0.1%. Else measured with --rps left out.")
    ] = None,
    families: Annotated[
        str | None,
        typer.Option(help="Kinds of traffic: healthy, harmful, or parts of their names."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every kind of traffic.")] = False,
    runs: Annotated[int, typer.Option(min=1, max=100_000, help="Rollouts a row.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same table.")] = 0,
    compare: Annotated[
        bool, typer.Option("--compare", help="Other tools' rules on the same traffic, too.")
    ] = False,
    history: Annotated[
        str | None,
        typer.Option(help="How much of stable's past the judge knows. Else 1h, scrape: 0."),
    ] = None,
    advance: Annotated[Advance | None, typer.Option(help="As plan.advance.")] = None,
    stages: Stages = None,
    observation_period: ObservationPeriod = None,
    interval: Interval = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes. Else one for each core.")
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Simulate rollouts of this configuration: false rollbacks, and what defects would cost.

    Nothing is touched. Stable's metrics are read unless --rps is given.
    """
    import os

    from canaryctl.cli.flags import planned, seconds_of
    from canaryctl.cli.simulate_flags import families_of, rates_of, share_of

    given = context(ctx)
    config = planned(
        given.config(),
        stages=("--stages", stages),
        observe=("--observation-period", observation_period),
        interval=("--interval", interval),
        advance=("--advance", advance),
    )
    rates = None if rps is None else rates_of("--rps", rps)
    base = None if errors is None else share_of("--errors", errors)
    asked = families_of(families, every=every)
    past = None if history is None else seconds_of("--history", history)
    service, measured = _service(given, config, base, past, measuring=rates is None)
    if rates is None:
        assert measured.rps is not None  # noqa: S101  it was measured
        rates = (measured.rps,)
    tasks = _tasks(asked, rates, runs, seed, compare=compare)
    _shown(service, measured, asked, tasks, jobs or os.cpu_count() or 1, output)


def _service(
    given: Context, config: Config, errors: float | None, history: float | None, *, measuring: bool
) -> tuple[Service, Measured]:
    from canaryctl.cli.simulate_flags import HISTORY
    from canaryctl.simulate.service import Measured, service_of

    measured = Measured()
    if measuring:
        from canaryctl.cli.simulate_measure import measure_now

        measured = measure_now(given, config)
    if history is None:
        history = 0.0 if config.metrics.provider == "scrape" else HISTORY
    service = service_of(
        config.core_gates(),
        config.core_plan(),
        config.judgement(),
        errors=errors,
        measured=measured,
        attempts=config.gateway.attempts is not None,
        history=history,
    )
    return service, measured


def _tasks(
    families: tuple[Family, ...], rates: tuple[float, ...], runs: int, seed: int, *, compare: bool
) -> list[Task]:
    from canaryctl.simulate.many import Task
    from canaryctl.simulate.rules import OWN, PEERS

    return [
        Task(rule, family.name, rps, runs, seed)
        for rps in rates
        for family in families
        for rule in (OWN, *(PEERS if compare else ()))
    ]


def _shown(
    service: Service,
    measured: Measured,
    families: tuple[Family, ...],
    tasks: list[Task],
    jobs: int,
    output: Output,
) -> None:
    """Simulate, and write each row as soon as it is known."""
    from canaryctl.cli.simulate_bar import Bar
    from canaryctl.cli.simulate_text import Report
    from canaryctl.cli.streams import end_if_lost
    from canaryctl.drivers.clock import SystemClock
    from canaryctl.simulate.chosen import fitted
    from canaryctl.simulate.many import simulated, worked
    from canaryctl.simulate.summary import line_of

    fit = {family.name: fitted(family, service) for family in families}
    report = Report(service, measured, list(fit.values()), tasks, as_json=output is Output.JSON)
    report.begin()
    clock = SystemClock()
    began = clock.now()
    worked(service, tasks[0], 0, 1)  # it is simulated again in its row
    report.expected(clock.now() - began, min(jobs, sum(task.runs for task in tasks)))
    with Bar(sum(task.runs for task in tasks)) as bar:
        for task, results in simulated(service, tasks, jobs, bar.done):
            row = line_of(task.rule, fit[task.family], task.rps, results, service)
            with bar.aside():
                report.row(row)
            end_if_lost()
    report.end()
