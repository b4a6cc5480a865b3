"""``canaryctl history``: what was rolled out, how it ended, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from canaryctl.cli.context import Output

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from canaryctl.listeners.journal_read import Entry, Recorded

_MOST = 10_000
_HEAD = ("ID", "WHEN", "RELEASE", "OUTCOME", "LASTED", "WEIGHTS", "REASON")


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("history")(history)


def history(
    entry: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="Show one rollout event by event; a beginning will do."
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=_MOST, help="So many entries, the newest first.")
    ] = 20,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Show past rollouts and changes by hand, from this user's journal."""
    if entry is not None:
        _one(entry, output)
        return
    from canaryctl.listeners.journal_read import history as newest

    entries = newest(limit)
    if output is Output.JSON:
        for one in entries:
            typer.echo(json.dumps(one.as_json()))
        return
    if not entries:
        typer.echo("nothing yet: no rollout was run by this user on this machine")
    for line in table(entries):
        typer.echo(line)


def _one(name: str, output: Output) -> None:
    from canaryctl.listeners.journal_read import events, find

    entry = find(name)
    recorded = events(entry.id)
    if output is Output.JSON:
        typer.echo(json.dumps(entry.as_json()))
        for one in recorded:
            said = {"seq": one.seq, "at": one.at, "kind": one.kind, **one.payload}
            typer.echo(json.dumps(said))
        return
    for line in (*headed(entry), *(line for one in recorded for line in told(one, entry))):
        typer.echo(line)


def table(entries: Sequence[Entry]) -> list[str]:
    """Write entries in columns; the reason comes last, for it may be long."""
    from canaryctl.listeners.line import clean, left
    from canaryctl.listeners.when import moment
    from canaryctl.quantities import spelled

    if not entries:
        return []
    rows = [_HEAD]
    for one in entries:
        lasted = "" if one.plan is None else spelled(one.ended_at - one.started_at)
        rows.append(
            (
                clean(one.id),
                f"{moment(one.started_at):%Y-%m-%d %H:%M:%S}",
                clean(one.release) or "-",
                clean(one.kind if one.plan is None else one.outcome),
                lasted or "-",
                _weights(one.weights),
                clean(one.reason),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    return [
        "  ".join([*(left(cell, width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]


def headed(entry: Entry) -> Iterator[str]:
    """Say what an entry is about."""
    from canaryctl.listeners.line import clean
    from canaryctl.listeners.when import day
    from canaryctl.quantities import spelled

    what = entry.kind if entry.plan is None else "rollout"
    yield clean(f"{what} {entry.id}: {entry.service} {entry.release}".rstrip())
    facts = [
        ("when", day(entry.started_at)),
        ("by", entry.owner),
        ("gateway", entry.gateway),
        ("weights", f"{_weights(entry.weights)} (the canary's, as proven at NGINX)"),
        ("reason", entry.reason),
    ]
    if entry.plan is not None:
        stages = entry.plan["stages"]
        facts[3:3] = [("plan", ", ".join(said for stage in stages for said in _stage(stage)))]
        facts[-1:] = [
            ("outcome", f"{entry.outcome}, after {spelled(entry.ended_at - entry.started_at)}"),
            ("reason", entry.reason),
            ("config", f"SHA-256 {entry.config_hash}"),
        ]
    for label, said in facts:
        yield f"  {label:<9} {clean(said)}"


def _stage(stage: Mapping[str, Any]) -> Iterator[str]:
    """Write a stage of a journal's plan, after what is waited for before it."""
    from canaryctl.core.plan import Approval, Pause
    from canaryctl.listeners.plan_words import wait
    from canaryctl.quantities import spelled

    for one in stage.get("before") or ():
        roles = one.get("approve")
        yield wait(Pause(one.get("pause")) if roles is None else Approval(tuple(roles)))
    yield f"{stage['weight']:g} % for {spelled(stage['observe'])}"


def _weights(weights: Sequence[float]) -> str:
    """Write ``0 → 1 → 5 → 0 %``."""
    return f"{' → '.join(f'{one:g}' for one in weights)} %" if weights else "-"


def told(one: Recorded, entry: Entry) -> Iterator[str]:
    """Say what happened, in the words that the terminal showed, with every finding."""
    from canaryctl.listeners.line import clean
    from canaryctl.listeners.when import hms

    event = one.payload["event"]
    since = f"+{one.at - entry.started_at:.1f} s"
    lines = [clean(line) for line in one.payload["said"]] or [one.kind.replace("_", " ")]
    lines[:0] = [_finding(found) for found in event.get("findings", ())]
    if one.kind == "judged":
        lines.insert(0, f"Evaluation at {one.payload['weight']:g} %")
    yield f"{hms(one.at)}  {since:>10}  {lines[0]}"
    for line in lines[1:]:
        yield f"{'':<8}  {'':>10}  {line}"


def _finding(found: dict[str, str | float | None]) -> str:
    from canaryctl.core.gate import Status, Unit, written
    from canaryctl.listeners.line import clean

    sign = {Status.PASS: "✓", Status.FAIL: "✗"}.get(Status(str(found["status"])), "–")
    name = f"{found['gate']} ({found['part']})" if found["part"] else str(found["gate"])
    unit = Unit(str(found["unit"]))
    value, limit, samples = (_number(found[key]) for key in ("value", "limit", "samples"))
    known = [] if limit is None else [f"limit {found['comparator']} {written(limit, unit)}"]
    known += [] if samples is None else [f"{samples:,.0f} samples"]
    held = written(value, unit) + (f" ({', '.join(known)})" if known else "")
    return clean(f"  {sign} {name}: {held}: {found['reason']}")


def _number(value: str | float | None) -> float | None:
    return value if isinstance(value, int | float) else None
