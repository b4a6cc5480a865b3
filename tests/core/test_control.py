"""The desk: requests and answers in one file."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.control import MOST_KEPT, Answer, Desk, Request, Verb, parse_desk

ASK = Request("q1", "r1", Verb.PAUSE, "me@here", "lunch")


def test_a_request_is_read_back_until_it_is_answered() -> None:
    desk = parse_desk(Desk().asked(ASK).text())
    assert desk.requests == (ASK,)
    answered = parse_desk(desk.answered(Answer("q1", True, "paused")).text())
    assert answered.requests == ()
    assert answered.answers["q1"] == Answer("q1", True, "paused")


def test_the_file_does_not_grow_without_bound() -> None:
    desk = Desk()
    for number in range(3 * MOST_KEPT):
        request = Request(f"q{number}", "r1", Verb.HOLD, "me")
        desk = parse_desk(desk.asked(request).answered(Answer(request.id, False, "no")).text())
    assert len(desk.answers) == MOST_KEPT
    assert desk.requests == ()


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[]",
        "null",
        "[" * 200_000,
        '{"requests": {"id": "q1"}}',
        json.dumps({"requests": [{"id": "q1", "verb": "explode", "rollout": "r", "who": "x"}]}),
        json.dumps({"requests": [{"id": 1, "verb": "pause", "rollout": "r", "who": "x"}]}),
        json.dumps({"answers": [{"request": "q", "accepted": 1, "said": "x"}]}),
    ],
)
def test_what_is_no_request_is_left_out(text: str | None) -> None:
    assert parse_desk(text) == Desk()


@given(st.text(), st.text(), st.text(), st.sampled_from(Verb))
def test_any_words_survive(who: str, why: str, role: str, verb: Verb) -> None:
    ask = Request("q", "r", verb, who, why, role)
    assert parse_desk(Desk().asked(ask).text()).requests == (ask,)
