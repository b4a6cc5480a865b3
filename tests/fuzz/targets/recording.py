"""Recordings that somebody wrote: judged again, or refused with the line that is wrong."""

# ruff: noqa: PT017  an error is one of two good ends, and held to what it promises

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from canaryctl.core.errors import ConfigError
from canaryctl.core.recording import Recording, UnreadableRecording
from canaryctl.core.replay import Tick, replayed
from canaryctl.core.replay_play import played
from canaryctl.listeners.replay_file import export, from_file
from canaryctl.listeners.replay_record import outcome_record, tick_record
from canaryctl.listeners.replay_tally import Tally
from tests.fuzz import dice as a
from tests.fuzz.target import Target
from tests.fuzz.targets.journal import folder, sound
from tests.recorded import ID


@cache
def _lines() -> tuple[Any, ...]:
    sound()
    path = folder() / "recording.jsonl"
    export(ID, path, folder() / "made")
    return tuple(json.loads(line) for line in path.read_text().splitlines())


def _file(dice: Random) -> Path:
    source = _lines()
    count = dice.choice((3, 6, len(source)))
    lines = [json.dumps(one) for one in source[:count]]
    for _ in range(dice.choice((1, 1, 2))):
        at = dice.randrange(len(lines))
        lines[at] = a.as_json(dice, a.mutated_json(dice, source[at]))
    if dice.random() < 0.1:
        at = dice.randrange(len(lines))
        lines[at:at] = dice.sample(lines, 1)
    path = folder() / "fuzzed.jsonl"
    path.write_bytes("\n".join(lines).encode(errors="surrogatepass"))
    return path


def read(dice: Random) -> None:
    """A file is a recording, or one message that names it."""
    _recording(_file(dice))


def _recording(path: Path) -> Recording | None:
    try:
        return from_file(path)
    except ConfigError as error:
        assert str(path) in str(error)
        return None


def judged(dice: Random) -> None:
    """What was read is judged to its end, or contradicts itself and is told so."""
    recording = _recording(_file(dice))
    if recording is None or recording.setup is None:
        return
    tally = Tally(recording)
    walk = replayed if recording.has_verdicts and dice.random() < 0.5 else played
    try:
        for tick in walk(recording, recording.setup):
            tally.take(tick)
            if isinstance(tick, Tick):
                json.dumps(tick_record(tick, tally))
    except UnreadableRecording:
        return
    json.dumps(outcome_record(tally, "", ()))


TARGETS = (
    Target("recording read", read, share=0.6),
    Target("recording judged", judged, share=0.15),
)
