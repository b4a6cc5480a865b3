"""``canaryctl replay``: a recorded rollout judged again, by its own gates or by others."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Context, Output, context

if TYPE_CHECKING:
    from canaryctl.core.recording import Recording, Setup
    from canaryctl.core.replay import Tick
    from canaryctl.core.replay_play import Stopped
    from canaryctl.listeners.replay_tally import Tally


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("replay")(replay)


def replay(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="ID|FILE", help="A rollout of the journal, a beginning will do; or a file."
        ),
    ],
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write the rollout into a file instead."),
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Judge a recorded rollout again; with --config FILE by that configuration's gates.

    Ends 0 with the same verdicts at the same moments, 1 when one differs. With --config it
    ends 0 and tells what would have happened.
    """
    if export is not None:
        from canaryctl.listeners.replay_file import export as write

        count = write(what, export)
        typer.echo(f"{export}: {count} lines", err=output is Output.JSON)
        return
    given = context(ctx)
    recording, setup, left_out, tally = _prepared(what, given)
    other = "" if given.config_path is None else str(given.config_path)
    if output is Output.TEXT:
        _head(recording, left_out, tally, other)
    _walk(_ticks(recording, setup, other), tally, output)
    _close(tally, other, left_out, output)
    raise typer.Exit(1 if tally.first is not None and not other else 0)


def _prepared(what: str, given: Context) -> tuple[Recording, Setup, tuple[str, ...], Tally]:
    """Read what is replayed, and by what it is judged.

    Raises:
        ConfigError: it is not there, cannot be read, or there is nothing to judge it by.
    """
    from dataclasses import replace

    from canaryctl.core.errors import ConfigError
    from canaryctl.core.recording import Setup
    from canaryctl.core.replay_literal import recorded_gates
    from canaryctl.listeners.replay_file import read
    from canaryctl.listeners.replay_tally import Tally

    other = None
    if given.config_path is not None:
        config = given.config()
        other = Setup(config.core_plan(), config.core_gates(), config.judgement())
    recording = read(what, other)
    tally = Tally(recording)
    setup = other or recording.setup
    if setup is None:
        raise ConfigError(
            f"{recording.name} does not say by which gates it was judged",
            next_step="--config FILE judges it by that configuration's gates",
        )
    if other is None and recording.has_verdicts:
        return recording, setup, (), tally
    if recording.setup is not None and recording.setup.plan.stages != setup.plan.stages:
        then = recording.setup.plan
        setup = replace(setup, plan=replace(setup.plan, stages=then.stages, interval=then.interval))
        tally.notes.append("the stages are the recorded ones, not this configuration's")
    kept, left_out = recorded_gates(setup.gates, recording)
    if not kept:
        raise ConfigError(
            f"{recording.name} has nothing that these gates judge: {', '.join(left_out)}",
            next_step="a gate is replayed on what it counts: its selectors must be the recorded",
        )
    return recording, replace(setup, gates=kept), left_out, tally


def _ticks(recording: Recording, setup: Setup, other: str) -> Iterable[Tick | Stopped]:
    from canaryctl.core.replay import replayed
    from canaryctl.core.replay_play import played

    if other or not recording.has_verdicts:
        return played(recording, setup)
    return replayed(recording, setup)


def _walk(ticks: Iterable[Tick | Stopped], tally: Tally, output: Output) -> None:
    """Judge it event by event, and tell.

    Raises:
        ConfigError: the recording contradicts itself.
    """
    from canaryctl.core.errors import ConfigError
    from canaryctl.core.recording import UnreadableRecording
    from canaryctl.core.replay_play import Stopped
    from canaryctl.listeners.replay_record import tick_record
    from canaryctl.listeners.replay_text import tick_line

    try:
        for tick in ticks:
            tally.take(tick)
            if isinstance(tick, Stopped):
                continue
            if output is Output.JSON:
                typer.echo(json.dumps(tick_record(tick, tally)))
            elif tick.changed:
                typer.echo(tick_line(tick, tally))
    except UnreadableRecording as error:
        raise ConfigError(f"{tally.recording.name}: {error}") from error


def _head(recording: Recording, left_out: tuple[str, ...], tally: Tally, other: str) -> None:
    from canaryctl.listeners.line import clean

    about = recording.about
    named = " ".join(str(about[key]) for key in ("service", "release") if about.get(key))
    judged = f" as {other} would judge it" if other else ""
    typer.echo(clean(f"replay of {recording.name}{judged}{': ' if named else ''}{named}"))
    for name in left_out:
        typer.echo(clean(f"  {name}: not recorded: cannot be replayed, and is left out"))
    for note in tally.notes:
        typer.echo(clean(f"  {note}"))


def _close(tally: Tally, other: str, left_out: tuple[str, ...], output: Output) -> None:
    from canaryctl.listeners.replay_record import outcome_record
    from canaryctl.listeners.replay_text import closing

    if output is Output.JSON:
        typer.echo(json.dumps(outcome_record(tally, other, left_out)))
        return
    for line in closing(tally, other):
        typer.echo(line)
