"""The lease and the control messages: what is not one is never believed, nor half of it."""

from __future__ import annotations

import json
from random import Random

from canaryctl.core.control import Answer, Desk, Request, Verb, parse_desk
from canaryctl.core.errors import HostError
from canaryctl.core.lease import Lease, OnAbandon, parse_lease
from canaryctl.core.moment import Moment, parse_moment
from canaryctl.drivers.control_file import ControlFile
from tests.fakes import FakeHost
from tests.fuzz import dice as a
from tests.fuzz.target import Target

_LIVE = "/conf/live"
_LEASE = Lease("r1", "ann@box:1", "v2", 30.0, 4, "observing", 1, "5", OnAbandon.HOLD)
_STAMP = Moment("0b1e5c1e-6ab2-4b0e-9a52-1f0e6f5f7b11", 1234.56)
_ASKED = Request("a1", "r1", Verb.APPROVE, "ann@box", "looks fine", "engineering")
_DESK = Desk((_ASKED,), {"a0": Answer("a0", True, "paused")})


def leases(dice: Random) -> None:
    """A lease is read whole and sound, or not at all."""
    text = _LEASE.text()
    if dice.random() < 0.7:
        text = a.as_json(dice, a.mutated_json(dice, json.loads(text))) + "\n"
    text += _STAMP.stamp()
    text = a.mutated(dice, text) if dice.random() < 0.4 else text
    found = parse_lease(text)
    if found is None:
        return
    lease = found.lease
    words = (lease.rollout, lease.owner, lease.release, lease.doing, lease.weight)
    assert all(isinstance(one, str) for one in words)
    assert isinstance(lease.on_abandon, OnAbandon)
    assert type(lease.beat) is int
    assert type(lease.stage) is int
    assert 0 < lease.length < float("inf")
    left = found.left(_STAMP)
    assert left <= lease.length
    again = parse_lease(lease.text() + found.at.stamp())
    assert again is not None
    assert again.lease == lease


def moments(dice: Random) -> None:
    """A moment is of one boot, finite and not negative."""
    found = parse_moment(a.mutated(dice, _STAMP.stamp()))
    if found is not None:
        assert 0 <= found.uptime < float("inf")
        assert found.boot


def _desk(dice: Random) -> str:
    text = _DESK.text()
    if dice.random() < 0.7:
        text = a.as_json(dice, a.mutated_json(dice, json.loads(text)))
    return a.mutated(dice, text) if dice.random() < 0.3 else text


def requests(dice: Random) -> None:
    """A request is a whole one with a verb that exists, or none."""
    desk = parse_desk(_desk(dice))
    for one in desk.requests:
        assert isinstance(one.verb, Verb)
        words = (one.id, one.rollout, one.who, one.why, one.role)
        assert all(isinstance(word, str) for word in words)
    for name, answer in desk.answers.items():
        assert name == answer.request
        assert type(answer.accepted) is bool
    assert parse_desk(desk.text()) == desk


def asked(dice: Random) -> None:
    """Whatever lies on the desk, a request is put there whole, or nothing is changed."""
    path = f"{_LIVE}.control"
    before = _desk(dice)
    host = FakeHost({path: before, _LIVE: "x"})
    if dice.random() < 0.2:
        host.held.add(f"{_LIVE}.lock")
    request = Request(a.text(dice), a.text(dice), dice.choice(list(Verb)), a.text(dice))
    try:
        ControlFile(host, _LIVE, "t").ask(request)
    except HostError:
        assert host.files[path] == before
    else:
        assert request in parse_desk(host.files[path]).requests
    assert host.files[_LIVE] == "x"


TARGETS = (
    Target("lease", leases, share=8),
    Target("gateway's moment", moments, share=2),
    Target("control messages", requests, share=8),
    Target("control asked", asked, share=2),
)
