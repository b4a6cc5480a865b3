"""The closing block: what happened, where traffic is now, what to do next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC

import pytest

from canaryctl.core.events import (
    Check,
    Crashed,
    GatewaySilent,
    Interrupted,
    MetricsSilent,
    Overtaken,
    TrafficUnproven,
    WeightRefused,
)
from canaryctl.core.outcome import Cause, Ending
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.listeners.line import cells
from canaryctl.listeners.steps import next_steps
from canaryctl.listeners.story import Story
from canaryctl.listeners.summary import closing
from tests.listeners.walk import BANNER, NO_LOSS, Walk, errors, healthy, plan


class Reader:
    """Keeps the story, as a listener does."""

    def __init__(self) -> None:
        self.story = Story()

    def heard(self, event: object, state: State, command: object) -> None:
        self.story.hear(event, state, command)  # type: ignore[arg-type]

    def ticked(self, state: State, now: float) -> None:
        pass


def ended(walked: Callable[[Walk], object], width: int | None = None) -> list[str]:
    reader = Reader()
    walk = Walk([reader], State(plan("5", "100", observe=20.0)), tick=None)
    walked(walk)
    assert walk.state.phase is Phase.ENDED
    lines = closing(walk.state, reader.story, BANNER, zone=UTC, width=width)
    return [one.text.rstrip() for one in lines]


def failed(walk: Walk) -> None:
    walk.begin().judge(*healthy(400))
    walk.judge(errors(12, 800), *healthy(800)[1:])
    walk.prove()


def refused(walk: Walk) -> None:
    walk.begin().stage()
    walk.judge(*healthy(400))
    walk.event(Interrupted(walk.now, "SIGTERM"))
    for _ in range(3):
        walk.event(TrafficUnproven(walk.now, Weight.ZERO, "no answer from 127.0.0.1:9180"))


def crashed(walk: Walk) -> None:
    walk.begin().judge(*healthy(400)).judge(*healthy(400))
    walk.event(Crashed(walk.now, "KeyError: 'x'"))
    walk.prove()


def not_shifted(walk: Walk) -> None:
    walk.begin().judge(*healthy(400)).judge(*healthy(400))
    walk.event(WeightRefused(walk.now, Weight.FULL, "[emerg] no live upstreams"))
    walk.prove()


def no_metrics(walk: Walk) -> None:
    walk.begin()
    while walk.state.phase is Phase.OBSERVING:
        walk.wait().event(MetricsSilent(walk.now, "connection refused"))
    walk.prove()


def no_gateway(walk: Walk) -> None:
    walk.begin()
    while walk.state.phase is Phase.OBSERVING:
        walk.wait().event(GatewaySilent(walk.now, "connection refused"))
    walk.prove()


def no_data(walk: Walk) -> None:
    walk.begin()
    while walk.state.phase is Phase.OBSERVING:
        walk.judge(*healthy(400)[:-1], NO_LOSS)
    walk.prove()


def test_a_success() -> None:
    block = ended(lambda walk: walk.begin().to_the_end())
    assert block[1] == "SUCCEEDED  fragrance-ai v0.2.0"
    assert "  weights   stable 0 % / canary 100 %" in block
    assert "  proven    at NGINX: generation 14-ab12, 0.19 s" in block
    assert "  exit code 0" in block
    first = next(row for row in block if "1/2" in row)
    assert first.split() == ["✓", "1/2", "5", "%", "error", "rate", "0", "%", "≤", "0.5", "%",
                             "110", "✓"]  # fmt: skip
    assert len([row for row in block if row.endswith("✓")]) == 12
    assert "  2. promote: canaryctl promote --version v0.2.0" in block


def test_a_failed_gate() -> None:
    block = ended(failed)
    assert block[1] == "ROLLED BACK  fragrance-ai v0.2.0"
    assert block[2].startswith("  reason    gate failed: error rate: 12 of 800 requests")
    assert "  weights   stable 100 % / canary 0 %" in block
    assert "  exit code 1" in block
    row = next(row for row in block if "1/2" in row)
    assert row.startswith("  ✗ 1/2  5 %    error rate")
    assert row.endswith("1.5 %  ≤ 0.5 %      800  ✗ ◂")
    assert "    2/2  100 %  not reached" in block
    done = block[block.index("What was done") + 1 : block.index("Next steps") - 1]
    assert [text.split("  ")[2] for text in done] == [
        "start: canary 0 %, proven at NGINX: generation 12-ab12, 0.19 s",
        "stage 1/2: canary 5 %, proven at NGINX: generation 13-ab12, 0.19 s",
        "rollback: canary 0 %, proven at NGINX: generation 14-ab12, 0.19 s",
    ]
    assert done[0].startswith("  15:06:40  ")
    steps = block[block.index("Next steps") + 1 :]
    assert steps[0] == (
        '  1. look at the gate error rate: http_requests_total{status=~"5..",version="canary"}'
    )
    assert steps[-1].endswith("canaryctl rollout --version v0.2.0")


def test_what_is_not_proven_is_not_claimed() -> None:
    block = ended(refused)
    assert block[1] == "UNKNOWN  fragrance-ai v0.2.0"
    weights = next(row for row in block if row.startswith("  weights"))
    assert weights == "  weights   not proven (proven last: stable 0 % / canary 100 %)"
    assert not [row for row in block if row.startswith("  proven")]
    assert "  exit code 3" in block
    steps = " ".join(block[block.index("Next steps") :])
    assert "canaryctl status" in steps
    assert "canaryctl rollback" in steps


def test_a_weight_set_by_somebody_else_is_read_not_proven() -> None:
    def walked(walk: Walk) -> None:
        walk.begin().event(Overtaken(walk.now, Weight.parse("50"), "eve set 50 %: a test"))

    block = ended(walked)
    assert block[1].startswith("UNKNOWN")
    weights = next(row for row in block if row.startswith("  weights"))
    assert weights == (
        "  weights   stable 50 % / canary 50 %, as NGINX answered; set by somebody else"
    )
    assert "look now: somebody else set stable 50 % / canary 50 %" in "\n".join(block)


def test_nothing_was_touched() -> None:
    block = ended(lambda walk: walk.begin((Check("gateway", False, "no such container"),)))
    assert block[1].startswith("ABORTED")
    assert "  weights   as they were before; this rollout changed nothing" in block
    assert "  ended     before the first stage, after 1 s" in block
    assert "  exit code 4" in block
    assert "Stages" not in block
    assert "What was done" not in block
    assert "  1. mend gateway" in block


@pytest.mark.parametrize(
    ("walked", "title", "said"),
    [
        (crashed, "ROLLED BACK", "rollback: canary 0 %, proven at NGINX"),
        (not_shifted, "ROLLED BACK", "stage 2/2: canary 100 % refused"),
        (not_shifted, "ROLLED BACK", "2/2  100 %  its weight was not proven"),
        (no_metrics, "ROLLED BACK", "nothing was found against the canary"),
        (no_metrics, "ROLLED BACK", "ended before its first evaluation"),
        (no_gateway, "ROLLED BACK", "gateway lost: no answer for 30 s"),
        (no_data, "ROLLED BACK", "no data: training loss: no fresh"),
    ],
)
def test_other_ends(walked: Callable[[Walk], None], title: str, said: str) -> None:
    block = ended(walked)
    assert block[1].startswith(title)
    assert [row for row in block if said in row], "\n".join(block)


def test_a_crash_while_a_weight_is_set_leaves_it_unknown_until_proven() -> None:
    story = Story()
    seen: list[Weight | None] = []

    class Watch(Reader):
        def heard(self, event: object, state: State, command: object) -> None:
            story.hear(event, state, command)  # type: ignore[arg-type]
            seen.append(story.weight)

    walk = Walk([Watch()], State(plan("5", "100", observe=20.0)), tick=None)
    crashed(walk)
    assert seen[-2:] == [None, Weight.ZERO]


@pytest.mark.parametrize("cause", list(Cause))
def test_every_end_has_next_steps_with_the_command_as_it_was_called(cause: Cause) -> None:
    state = State(plan(), Phase.ENDED, ending=Ending(cause, "so"))
    banner = replace(BANNER, command="canaryctl --config prod.yaml", release="{call}")
    steps = next_steps(state, banner, None)
    assert steps
    assert "canaryctl --config prod.yaml " in " ".join(steps)
    assert not [step for step in steps if "{" in step.replace("{call}", "")]


def test_a_canary_that_was_taken_down_is_deployed_again() -> None:
    state = State(plan(), Phase.ENDED, ending=Ending(Cause.GATE_FAILED, "so"))
    again = " ".join(next_steps(state, replace(BANNER, deployed=True), Weight.ZERO))
    assert f"rollout --version {BANNER.release} --deploy" in again


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_table_stays_within_its_columns(width: int) -> None:
    block = ended(failed, width)
    table = block[block.index("Stages") + 1 : block.index("What was done")]
    assert max(map(cells, table)) <= width
    if width == 60:
        assert [row for row in table if "(balanced)" in row]
