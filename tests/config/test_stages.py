"""``plan.stages`` with pauses and approvals: what is read, what is refused, by whom."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from canaryctl.cli.config_schema import schema
from canaryctl.cli.config_text import as_yaml, shown
from canaryctl.config import loads
from canaryctl.core.errors import ConfigError
from canaryctl.core.plan import DAY, Approval, Pause, Plan, Stage, Wait
from canaryctl.core.weight import Weight
from canaryctl.listeners.plan_words import planned

HEAD = """
service: shop
versions:
  stable: {address: "127.0.0.1:8000"}
  canary: {address: "127.0.0.1:8001"}
gateway: {driver: local, config: /etc/nginx/conf.d/canaryctl-upstream.conf}
metrics: {provider: scrape}
"""
ENGINEERING = Approval(("engineering",))


def text(stages: object, **more: object) -> str:
    return HEAD + yaml.safe_dump({"plan": {"stages": stages, **more}})


def read(stages: object, **more: object) -> Plan:
    plan: Plan = loads(text(stages, **more)).core_plan()
    return plan


def errors(stages: object) -> list[str]:
    found = yaml.safe_load(text(stages))
    return [error.message for error in Draft202012Validator(schema()).iter_errors(found)]


@pytest.mark.parametrize(
    ("written", "wait"),
    [
        ({"pause": "10m"}, Pause(600.0)),
        ({"pause": 90}, Pause(90.0)),
        ({"pause": {"duration": "1h30m"}}, Pause(5400.0)),
        ({"pause": {}}, Pause()),
        ({"pause": None}, Pause()),
        ({"approve": ["engineering", "on-call"]}, Approval(("engineering", "on-call"))),
        ({"approve": "engineering"}, ENGINEERING),
    ],
)
def test_a_wait_is_read_and_the_schema_takes_it(written: object, wait: Wait) -> None:
    plan = read([1, written, 100])
    assert [stage.before for stage in plan.stages] == [(), (wait,)]
    assert [stage.weight for stage in plan.stages] == [Weight(100), Weight.FULL]
    assert errors([1, written, 100]) == []


def test_waits_stand_before_the_stage_after_them() -> None:
    plan = read([{"pause": "1m"}, 1, {"approve": "engineering"}, {"pause": {}}, 100])
    assert [stage.before for stage in plan.stages] == [(Pause(60.0),), (ENGINEERING, Pause())]


FORMS = "a stage is a weight such as 5, {pause: 10m}, {pause: {}} until somebody says"
MISTAKES: dict[str, tuple[list[Any], str]] = {
    "an unknown wait": ([1, {"wait": "10m"}, 100], FORMS),
    "two waits in one": ([1, {"pause": "1m", "approve": "qa"}, 100], FORMS),
    "an empty one": ([1, {}, 100], FORMS),
    "a pause that is a list": ([1, {"pause": ["10m"]}, 100], FORMS),
    "a pause that is true": ([1, {"pause": True}, 100], FORMS),
    "a pause with an unknown key": ([1, {"pause": {"for": "10m"}}, 100], FORMS),
    "a pause of nothing": ([1, {"pause": 0}, 100], "pause: longer than 0 s"),
    "a pause of nothing, in words": ([1, {"pause": "0s"}, 100], "pause: longer than 0 s"),
    "a negative pause": ([1, {"pause": -5}, 100], "a duration is not negative"),
    "a pause in words": ([1, {"pause": "soon"}, 100], "a duration is written 900, 90s"),
    "a pause without end": ([1, {"pause": float("inf")}, 100], "a duration is not negative"),
    "nobody approves": ([1, {"approve": []}, 100], FORMS),
    "approve: nothing": ([1, {"approve": None}, 100], FORMS),
    "a role that is none": ([1, {"approve": ["the boss"]}, 100], "approve: roles such as"),
    "a role that is a number": ([1, {"approve": [1]}, 100], "approve: roles such as"),
    "an empty role": ([1, {"approve": [""]}, 100], "approve: roles such as"),
    "a role twice": ([1, {"approve": ["qa", "qa"]}, 100], "a role stands there twice: qa, qa"),
    "only waits": ([{"pause": "1m"}], "the last stage is a weight"),
    "a list in it": ([[1], 100], "a weight is a percentage"),
}
UNSEEN = {"a pause without end"}
"""What no schema can say: JSON has no infinity."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_one_message_and_the_schema_sees_it(mistake: str) -> None:
    stages, said = MISTAKES[mistake]
    with pytest.raises(ConfigError) as caught:
        loads(text(stages), "canary.yaml")
    message = str(caught.value)
    assert message.count("canary.yaml:") == 1
    assert f"plan.stages: {said}" in message.replace("approve: a role", "a role")
    assert mistake in UNSEEN or errors(stages)


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ([5, {"pause": {}}, 1], "stages rise: 1 does not come after 5"),
        ([1, {"pause": "10m"}], "the last stage is a weight: nothing comes after a wait"),
        ([{"approve": "qa"}, 0, 5], "stages begin above 0 %"),
    ],
)
def test_what_spans_several_places_is_refused(stages: list[Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        loads(text(stages))


def test_the_deadline() -> None:
    assert read([100]).deadline == DAY
    assert read([100], deadline="90m").deadline == 5400.0
    for wrong in (0, "0s", -1, "tomorrow"):
        with pytest.raises(ConfigError, match=r"plan.deadline"):
            read([100], deadline=wrong)


def test_a_plan_is_written_with_what_is_waited_for() -> None:
    plan = read(
        [1, {"pause": "10m"}, 5, {"approve": ["engineering", "product"]}, 100], observe="15m"
    )
    assert planned(plan) == (
        "1 % → pause 10 min → 5 % → approval of engineering, product → 100 %, 15 min each,"
        " 55 min in all besides the waits for people, 24 h at most"
    )
    assert planned(read([{"pause": {}}, 100], deadline="2h")) == (
        "pause until continued → 100 %, 15 min each, 15 min in all besides the waits for people,"
        " 2 h at most"
    )
    mixed = Plan((Stage(Weight(100), 60.0), Stage(Weight.FULL, 90.0, (Pause(60.0),))))
    assert planned(mixed) == (
        "1 % (1 min) → pause 1 min → 100 % (1 min 30 s), 3 min 30 s in all, 24 h at most"
    )


waits = st.one_of(
    st.builds(Pause, st.none() | st.integers(1, 10**6).map(lambda one: one / 4)),
    st.builds(
        lambda roles: Approval(tuple(roles)),
        st.lists(
            st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,9}", fullmatch=True),
            min_size=1,
            unique=True,
        ),
    ),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(waits, max_size=3), st.lists(waits, max_size=3))
def test_what_show_prints_is_the_same_plan(first: list[Wait], second: list[Wait]) -> None:
    config = loads(HEAD)
    items = (*first, Weight(50), *second, Weight.FULL)
    config = config.model_copy(update={"plan": config.plan.model_copy(update={"stages": items})})
    assert loads(as_yaml(config), "shown", {}) == config
    assert [e.message for e in Draft202012Validator(schema()).iter_errors(shown(config))] == []
