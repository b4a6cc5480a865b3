"""The lines of the verbs that look back: history, replay, report."""

from __future__ import annotations

from canaryctl.cli.schema_rollout import FINDING
from canaryctl.cli.schema_shapes import (
    ANY,
    COUNT,
    FLAG,
    NUMBER,
    PERCENT,
    SECONDS,
    TEXT,
    TEXTS,
    TIME,
    Shape,
    event,
    many,
    maybe,
    one_of,
    record,
)
from canaryctl.core.outcome import Cause, Outcome
from canaryctl.core.recording_events import KINDS
from canaryctl.core.sequential.course import Move
from canaryctl.core.state import Phase
from canaryctl.core.verdict import Ruling

_STAGE: Shape = {"type": ["integer", "null"], "minimum": 1}
_OUTCOMES = one_of([*Outcome, "not ended", "done"])
_CAUSES = one_of(one.name.lower() for one in Cause)

ENTRY = record(
    {
        "id": TEXT,
        "kind": TEXT,
        "service": TEXT,
        "gateway": TEXT,
        "release": TEXT,
        "owner": TEXT,
        "started_at": TIME,
        "ended_at": TIME,
        "seconds": SECONDS,
        "outcome": _OUTCOMES,
        "reason": TEXT,
        "weights": many(PERCENT),
        "config_hash": TEXT,
        "plan": maybe(ANY),
    },
    about="A rollout, or something done by hand. With an ID it is the first line.",
)
WRITTEN = record(
    {
        "seq": COUNT,
        "at": NUMBER,
        "kind": one_of(KINDS),
        "event": ANY,
        "said": TEXTS,
        "phase": one_of(Phase),
        "stage": {"type": "integer", "minimum": -1},
        "weight": maybe(PERCENT),
        "generation": maybe(TEXT),
        "verdict": maybe(ANY),
        "answer": maybe(ANY),
        "command": maybe(ANY),
        "ending": maybe(ANY),
        "setup": ANY,
    },
    about="One event as it was written down; at in epoch seconds, stage from 0.",
    optional=["setup"],
)
_SAID = record(
    {
        "ruling": maybe(one_of(Ruling)),
        "reason": TEXT,
        "move": maybe(one_of(Move)),
        "quality": maybe(NUMBER),
        "traffic": maybe(NUMBER),
    }
)
_TICK: Shape = {
    "line": COUNT,
    "at": NUMBER,
    "elapsed": NUMBER,
    "stage": _STAGE,
    "phase": one_of(Phase),
}
_JUDGED: Shape = {
    "verdict": _SAID,
    "recorded": maybe(_SAID),
    "same": maybe(FLAG),
    "findings": many(FINDING),
}
TICK = record(
    {
        "event": one_of(KINDS),
        **_TICK,
        "weight": PERCENT,
        "verb": TEXT,
        "who": TEXT,
        "accepted": maybe(FLAG),
        **_JUDGED,
    },
    about="One event as it was judged again; what belongs to another kind of event is left out.",
    optional=["weight", "verb", "who", "accepted", *_JUDGED],
)
_END: Shape = {"cause": maybe(_CAUSES), "reason": TEXT, "stage": COUNT, "elapsed": NUMBER}
REPLAYED = event(
    "outcome",
    {
        "result": one_of(["same", "differs", "played"]),
        "same": maybe(COUNT),
        "of": maybe(COUNT),
        "evidence_gap": maybe(NUMBER),
        "first_difference": maybe(TICK),
        "replayed": maybe(record({"outcome": one_of(Outcome), **_END})),
        "recorded": maybe(record(_END)),
        "stopped": maybe(TEXT),
        "not_recorded": TEXTS,
        "notes": TEXTS,
    },
    about="The last line: what the replay came to.",
)
_FILE = record({"file": TEXT, "bytes": COUNT})
REPORTED = event(
    "report",
    {
        "rollout": TEXT,
        "service": TEXT,
        "version": TEXT,
        "outcome": _OUTCOMES,
        "reason": TEXT,
        "weight": maybe(PERCENT),
        "exit_code": maybe(COUNT),
        "lacks": TEXTS,
        "html": _FILE,
        "markdown": {"anyOf": [_FILE, record({"text": TEXT})]},
    },
    about="What was written; lacks says what the record does not have.",
    optional=["html", "markdown"],
)
