"""What was decided and done, and on what, from the journal.

Evaluations that say the same as the one before are counted, not repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from canaryctl.core.outcome import Outcome
from canaryctl.core.state import Phase
from canaryctl.listeners.journal_read import Recorded
from canaryctl.reporting.facts import Asked, CheckSeen, Decision
from canaryctl.reporting.read_gates import JUDGED, figures, name_of, queries_of
from canaryctl.reporting.shown import number, said

_TONES = {
    "weight_refused": "bad",
    "traffic_unproven": "bad",
    "crashed": "bad",
    "overtaken": "warn",
    "held": "bad",
    "drifted": "warn",
    "breaker_moved": "warn",
    "metrics_silent": "warn",
    "gateway_silent": "warn",
    "interrupted": "warn",
    "controlled": "warn",
}
_NAMES = {
    "started": "began",
    "preflight_ended": "preflight",
    "weight_proven": "weight",
    "weight_refused": "weight refused",
    "traffic_unproven": "weight not proven",
    "judged": "verdict",
    "controlled": "asked",
    "drain_ended": "time to zero",
    "breaker_moved": "circuit breaker",
}
_SAME_FOR_LONG = ("metrics_silent", "gateway_silent", "waited")

Json = Mapping[str, Any]


def decisions(recorded: Iterable[Recorded]) -> tuple[Decision, ...]:
    """Give them in order; what repeats itself stands there once, with how often."""
    found: list[Decision] = []
    before: tuple[object, ...] = ()
    was = -1
    for one in recorded:
        # A verdict belongs to the stage that was observed, also when the next one is meant already.
        index = was if one.kind == JUDGED else one.payload["stage"]
        was = one.payload["stage"]
        if one.kind == "waited" and not one.payload["said"]:
            continue  # time passed, and nothing came of it
        key = _same(one)
        if key and key == before:
            found[-1] = replace(found[-1], times=found[-1].times + 1)
            continue
        before = key
        found.append(_decision(one, index))
    return tuple(found)


def _same(one: Recorded) -> tuple[object, ...]:
    """Give by what an event is the same as the one before; empty: it never is."""
    payload = one.payload
    if one.kind == JUDGED and _observes(payload):
        verdict = payload.get("verdict") or {}
        failing = tuple(name_of(f) for f in _findings(payload) if f.get("status") == "fail")
        return one.kind, payload["stage"], verdict.get("ruling"), verdict.get("deciding"), failing
    if one.kind in _SAME_FOR_LONG and _waits(payload):
        return one.kind, payload["stage"]
    return ()


def _sentences(one: Recorded) -> Iterator[str]:
    """Give what was said; the preflight's checks have a place of their own in a report."""
    for line in one.payload["said"]:
        if one.kind != "preflight_ended" or not line.startswith(" "):
            yield said(line)


def _observes(payload: Json) -> bool:
    return (payload.get("command") or {}).get("kind") == "observe"


def _waits(payload: Json) -> bool:
    return (payload.get("command") or {}).get("kind") in ("observe", "idle")


def _decision(one: Recorded, index: int) -> Decision:
    payload = one.payload
    verdict = payload.get("verdict") or {}
    guilty = said(verdict.get("deciding"))
    finding = next((f for f in _findings(payload) if guilty and name_of(f) == guilty), None)
    # The gateway was taken, at 0 %; the first stage is only meant.
    taking = one.kind == "weight_proven" and payload["phase"] == Phase.SHIFTING
    return Decision(
        at=one.at,
        what=_NAMES.get(one.kind, said(one.kind.replace("_", " "))),
        text=tuple(_sentences(one)),
        stage=index + 1 if index >= 0 and not taking else None,
        weight=number(payload.get("weight")),
        found=figures(finding) if finding else "",
        queries=queries_of(finding) if finding else (),
        tone=_tone(one, verdict),
    )


def _tone(one: Recorded, verdict: Json) -> str:
    payload = one.payload
    ending = payload.get("ending") or {}
    if one.kind == JUDGED:
        if verdict.get("ruling") == "back":
            return "bad"
        if verdict.get("ruling") == "wait":
            return "warn"
        return "" if _observes(payload) else "good"
    if one.kind == "preflight_ended":
        failed = any(check.get("passed") is False for check in _checks(payload))
        return "bad" if failed else "good"
    if ending and payload.get("phase") == "ended":
        return "good" if ending.get("outcome") == Outcome.SUCCEEDED else "bad"
    return _TONES.get(one.kind, "")


def _findings(payload: Json) -> list[Json]:
    return [one for one in payload["event"].get("findings") or () if isinstance(one, dict)]


def _checks(payload: Json) -> list[Json]:
    many = payload["event"].get("checks")
    return [one for one in many if isinstance(one, dict)] if isinstance(many, list) else []


def checks(recorded: Iterable[Recorded]) -> Iterator[CheckSeen]:
    """Give what the preflight looked at."""
    for one in recorded:
        for check in _checks(one.payload) if one.kind == "preflight_ended" else ():
            passed = check.get("passed")
            yield CheckSeen(
                said(check.get("name")),
                passed if isinstance(passed, bool) else None,
                said(check.get("detail")),
            )


def asked(recorded: Iterable[Recorded]) -> Iterator[Asked]:
    """Give what people asked of the rollout."""
    for one in recorded:
        if one.kind != "controlled":
            continue
        event, answer = one.payload["event"], one.payload.get("answer") or {}
        accepted = answer.get("accepted")
        yield Asked(
            one.at,
            said(event.get("verb")),
            said(event.get("who")),
            said(event.get("why")),
            said(event.get("role")),
            accepted if isinstance(accepted, bool) else None,
            said(answer.get("said")),
        )
