"""How a simulation is written: a table for people, one JSON object a line for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from math import inf
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from canaryctl.simulate.many import Task
    from canaryctl.simulate.service import Measured, Service
    from canaryctl.simulate.summary import Caught, Line
    from canaryctl.simulate.world import Family

HEADS = (
    *("req/s", "runs", "thrown back", "inconclusive", "promoted", "failed", "slow", "× Wald"),
    *("looks", "ended by"),
)
WIDTHS = (7, 6, 18, 12, 9, 8, 8, 7, 6, 11)
_NONE = "–"


class Report:
    """Writes one simulation."""

    def __init__(
        self,
        service: Service,
        measured: Measured,
        families: Sequence[Family],
        tasks: Sequence[Task],
        *,
        as_json: bool,
    ) -> None:
        self._service, self._measured = service, measured
        self._families, self._tasks = families, tasks
        self._json = as_json
        self._limited = any(one.limit < inf for one in service.streams)
        self._lines: list[Line] = []
        self._rules = list(dict.fromkeys(task.rule for task in tasks))
        names = [family.name for family in families]
        if len(self._rules) > 1:
            names += [f"  {rule}" for rule in self._rules]
        self._room = max(map(len, (*names, "family")))

    def begin(self) -> None:
        """Say what is simulated."""
        service, plan = self._service, self._service.plan
        if self._json:
            self._say(
                event="simulation",
                stages=[str(stage.weight) for stage in plan.stages],
                observe=plan.stages[0].observe,
                interval=plan.interval,
                risk=service.judgement.risk,
                errors=service.errors,
                history=service.history,
                rollouts=sum(task.runs for task in self._tasks),
                measured=self._measured.said,
                notes=service.notes,
            )
            return
        from canaryctl.core.gate import Unit, written
        from canaryctl.quantities import spelled

        weights = ", ".join(str(stage.weight) for stage in plan.stages)
        past = f"{spelled(service.history)} of stable's past" if service.history else "no past"
        typer.echo(
            f"plan {weights} %, {spelled(plan.stages[0].observe)} each, looks every "
            f"{spelled(plan.interval)}, risk {written(service.judgement.risk, Unit.PERCENT)}, "
            f"base errors {written(service.errors, Unit.PERCENT)}, {past} known"
        )
        for said in self._measured.said:
            typer.echo(f"measured: {said}")
        for note in service.notes:
            typer.echo(f"note: {note}")

    def expected(self, each: float, jobs: int) -> None:
        """Say how long it will take, from the seconds that the first rollout took; begin rows."""
        from canaryctl.quantities import spelled

        count = sum(task.runs for task in self._tasks)
        processes = f"{jobs} process{'es' * (jobs > 1)}"
        whole = max(each * count / jobs, 1.0)
        typer.echo(f"{count:,} rollouts on {processes}: up to {spelled(whole)}", err=True)
        if not self._json:
            typer.echo()
            typer.echo(self._joined("family", HEADS) + "  why, where not promoted")

    def row(self, line: Line) -> None:
        """Write a row."""
        self._lines.append(line)
        if self._json:
            self._say(event="row", **line.as_dict())
            return
        row = line.row
        own = len(self._rules) == 1 or line.rule == self._rules[0]
        cells = (
            f"{row.rps:g}",
            str(row.runs),
            f"{_percent(row.back)} (≤ {_percent(row.back_at_most)})",
            _percent(row.inconclusive),
            _percent(row.promoted),
            _number(row.hurt, 1),
            _number(row.slow, 1) if self._limited else _NONE,
            _number(line.multiple, 2),
            _number(row.looks, 0),
            f"{row.lasted:.0f} s",
        )
        why = row.reasons[0] if row.reasons else ""
        typer.echo(
            f"{self._joined(row.family if own else f'  {line.rule}', cells)}  {why}".rstrip()
        )

    def end(self) -> None:
        """Sum it up."""
        from canaryctl.simulate.summary import caught, healthy

        for rule in self._rules:
            fine = healthy(self._lines, rule)
            found = caught(self._lines, rule, self._families)
            if self._json:
                self._say(
                    event="summary",
                    rule=rule,
                    healthy=asdict(fine) if fine else None,
                    caught=[asdict(one) for one in found],
                )
                continue
            typer.echo()
            name = f"{rule}: " if len(self._rules) > 1 else ""
            if fine is not None:
                typer.echo(
                    f"{name}healthy: at most {fine.at_most * 100:.2g} % thrown back "
                    f"({fine.thrown} in {fine.runs:,} rollouts, 95 % confidence), "
                    f"{_percent(fine.inconclusive)} inconclusive"
                )
            for one in found:
                typer.echo(f"{name}{one.rps:g} requests/s: {_caught(one)}")

    def _say(self, **fields: Any) -> None:
        typer.echo(json.dumps(fields, ensure_ascii=False))

    def _joined(self, first: str, cells: Sequence[str]) -> str:
        columns = (f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
        return f"{first:<{self._room}}  {'  '.join(columns)}"


def _caught(one: Caught) -> str:
    others = ", ".join(name for name in one.always if name != one.smallest)
    if one.smallest is not None:
        said = f"smallest defect always caught: {one.smallest}"
        said += f"; also {others}" if others else ""
    else:
        said = f"always caught: {others or 'no defect'}"
    missed = ", ".join(f"{name} ({_percent(part)})" for name, part in one.missed)
    return said + (f"; not always: {missed}" if missed else "")


def _percent(part: float) -> str:
    return f"{part * 100:.1f} %"


def _number(value: float | None, digits: int) -> str:
    return _NONE if value is None else f"{value:,.{digits}f}"
