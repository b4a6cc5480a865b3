"""One rollout of the journal as facts. What the record lacks is one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from canaryctl.core.errors import ConfigError
from canaryctl.listeners.journal_read import ACT, NOT_ENDED, Entry, Recorded, events, find, history
from canaryctl.quantities import spelled
from canaryctl.reporting.facts import Facts, Step
from canaryctl.reporting.read_decisions import asked, checks, decisions
from canaryctl.reporting.read_gates import JUDGED, deciding, gates
from canaryctl.reporting.read_stages import PROVEN, stages, steps
from canaryctl.reporting.shown import number, said

_LOOKED_AT = (20, 10_000)
"""Entries in which the last rollout is looked for; things done by hand are between."""


def report_of(name: str | None = None, directory: Path | None = None) -> Facts:
    """Read the facts of a rollout.

    Args:
        name: its id, or the beginning of one; None: the last rollout.
        directory: the journal's; left out, the user's state directory.

    Raises:
        ConfigError: there is no such rollout, or the journal cannot be read.
    """
    entry = _last(directory) if name is None else find(name, directory)
    if entry.id.startswith(ACT):
        raise ConfigError(
            f"{entry.id} was done by hand ({entry.kind}): there is nothing to report",
            next_step="`canaryctl history` lists the rollouts",
        )
    try:
        return facts(entry, events(entry.id, directory))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ConfigError(
            f"the record of {entry.id} cannot be read: {said(error)}",
            next_step="`canaryctl history` shows what can be",
        ) from error


def _last(directory: Path | None) -> Entry:
    for limit in _LOOKED_AT:
        for entry in history(limit, directory):
            if not entry.id.startswith(ACT):
                return entry
    raise ConfigError(
        "no rollout is on record here: there is nothing to report",
        next_step="`canaryctl history` lists what this user did on this machine",
    )


def facts(entry: Entry, recorded: Sequence[Recorded]) -> Facts:
    """Put together what is on record.

    Args:
        entry: its line in the history.
        recorded: its events, in order; may be cut at either end.
    """
    last: Mapping[str, Any] = recorded[-1].payload if recorded else {}
    over = last.get("ending") if last.get("phase") == "ended" else None
    ending: Mapping[str, Any] = over or {}
    moved = tuple(steps(recorded))
    weight, proof = _force(moved)
    code = ending.get("exit_code")
    index = last.get("stage", -1)
    return Facts(
        id=said(entry.id),
        service=said(entry.service),
        release=said(entry.release),
        gateway=said(entry.gateway),
        owner=said(entry.owner),
        config_hash=said(entry.config_hash),
        began=entry.started_at,
        ended=max(entry.ended_at, entry.started_at),
        outcome=said(entry.outcome),
        cause=said(ending.get("cause")),
        reason=said(ending.get("reason") if ending else entry.reason),
        exit_code=code if isinstance(code, int) else None,
        weight=weight,
        proof=proof,
        stage=index + 1 if index >= 0 else None,
        stages=stages(entry, recorded),
        steps=moved,
        gates=gates(recorded, deciding(recorded)),
        decisions=decisions(recorded),
        checks=tuple(checks(recorded)),
        asked=tuple(asked(recorded)),
        zero=tuple(_zero(recorded)),
        judged=_judged(recorded),
        lacks=tuple(_lacks(entry, recorded)),
    )


def _force(moved: Sequence[Step]) -> tuple[float | None, str]:
    """Give what NGINX was known to have in force at the end, and by what that is proven."""
    known = [one for one in moved if one.how != "refused"]
    if not known:
        return None, ""
    return known[-1].weight, known[-1].detail if known[-1].how == "proven" else ""


def _zero(recorded: Sequence[Recorded]) -> Iterator[str]:
    """Say how long going back took: to the proof, and to the last worker that knew the weight."""
    turned: float | None = None
    for one in recorded:
        if turned is None and one.payload["phase"] == "returning":
            turned = one.at
        weight = number(one.payload["event"].get("weight"))
        if turned is not None and one.kind == PROVEN and weight == 0:
            took = spelled(max(one.at - turned, 0.0))
            yield f"0 % was proven {took} after the decision to go back"
            turned = None
        if one.kind == "drain_ended":
            yield from (said(line) for line in one.payload["said"][:1])


def _judged(recorded: Sequence[Recorded]) -> str:
    """Say how gates were judged, and how often."""
    setup = recorded[0].payload.get("setup") if recorded else None
    if not isinstance(setup, dict):
        return ""
    plan, judgement = setup.get("plan") or {}, setup.get("judgement") or {}
    interval, risk = number(plan.get("interval")), number(judgement.get("risk"))
    judges = {gate.get("judge") for gate in setup.get("gates") or () if isinstance(gate, dict)}
    parts = [] if interval is None else [f"every {spelled(interval)}"]
    if risk is not None and "evidence" in judges:
        parts.append(f"by evidence, with a risk of {risk * 100:g} %")
    return ", ".join(parts)


def _lacks(entry: Entry, recorded: Sequence[Recorded]) -> Iterator[str]:
    """Say what the record does not have."""
    if not recorded:
        yield "No event of this rollout is on record."
        return
    if recorded[0].seq > 1:
        yield (
            f"The record begins with event {recorded[0].seq}: the journal was broken before, and "
            "what came earlier may be in a journal.broken-N.db beside it."
        )
    gaps = sum(b.seq != a.seq + 1 for a, b in pairwise(recorded))
    if gaps:
        yield f"Events are missing at {gaps} place{'s' * (gaps != 1)} of the record."
    if entry.outcome == NOT_ENDED:
        yield (
            "The rollout had not ended when this was made, or its process died: the report ends "
            "with its last entry."
        )
    if recorded[0].seq == 1 and not recorded[0].payload.get("setup"):
        yield "By which rules the gates were judged is not on record."
    if not any(one.kind == JUDGED for one in recorded):
        yield "No gate was evaluated."
    if not entry.config_hash:
        yield "The configuration's hash is not on record."
