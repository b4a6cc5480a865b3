"""A replay as JSON objects, for machines."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from canaryctl.core.events import Controlled, Judged, WeightProven
from canaryctl.core.recording import Said
from canaryctl.core.replay import Tick
from canaryctl.listeners.jsonable import kind_of, percent
from canaryctl.listeners.record import Record
from canaryctl.listeners.records import finding as finding_record
from canaryctl.listeners.replay_tally import Tally, recorded_end


def tick_record(tick: Tick, tally: Tally) -> Record:
    """Give one event as an object; times in seconds since the beginning."""
    began = tick.at if tally.began is None else tally.began
    event = tick.event
    found: Record = {
        "event": kind_of(event),
        "line": tick.line,
        "at": tick.at,
        "elapsed": round(tick.at - began, 3),
        "stage": tick.state.index + 1 if tick.state.index >= 0 else None,
        "phase": tick.state.phase.value,
    }
    if isinstance(event, WeightProven):
        found["weight"] = percent(event.weight)
    if isinstance(event, Controlled):
        found |= {"verb": event.verb.value, "who": event.who, "accepted": tick.now.accepted}
    if isinstance(event, Judged):
        found["stage"] = len(tick.state.records)
        found |= {
            "verdict": _verdict(tick.now),
            "recorded": None if tick.said is None else _verdict(tick.said),
            "same": None if tick.said is None else not tick.differs,
            "findings": [dict(finding_record(one)) for one in event.findings],
        }
    return found


def _verdict(said: Said) -> Record:
    return {
        "ruling": said.ruling.value if said.ruling else None,
        "reason": said.reason,
        "move": said.move.value if said.move else None,
        "quality": _finite(said.quality),
        "traffic": _finite(said.traffic),
    }


def outcome_record(tally: Tally, other: str, left_out: Sequence[str]) -> Record:
    """Give what the replay came to as an object."""
    last, first = tally.last, tally.first
    began = tally.began or 0.0
    compares = not other and tally.recording.has_verdicts
    ending = last.state.ending if last else None
    then = recorded_end(tally.recording)
    return {
        "event": "outcome",
        "result": ("same" if first is None else "differs") if compares else "played",
        "same": tally.same if compares else None,
        "of": tally.recorded if compares else None,
        "evidence_gap": tally.gap if compares else None,
        "first_difference": tick_record(first, tally) if compares and first else None,
        "replayed": None
        if ending is None or last is None
        else {
            "outcome": ending.outcome.value,
            "cause": ending.cause.name.lower(),
            "reason": ending.reason,
            "stage": len(last.state.records),
            "elapsed": round(last.at - began, 3),
        },
        "recorded": None
        if then is None
        else {
            "cause": then[1].cause.name.lower() if then[1].cause else None,
            "reason": then[1].why,
            "stage": then[1].stage + 1,
            "elapsed": round(then[0] - began, 3),
        },
        "stopped": tally.stopped.reason if tally.stopped else None,
        "not_recorded": list(left_out),
        "notes": list(tally.notes),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
