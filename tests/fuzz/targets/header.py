"""The state in the first line of NGINX's file: whatever stands there, only words come of it."""

from __future__ import annotations

import json
from contextlib import nullcontext
from random import Random

from canaryctl.core.errors import GatewayUnreachable
from canaryctl.core.weight import Weight
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.lock import Turn
from canaryctl.drivers.nginx import NginxRouter
from canaryctl.drivers.nginx_control import Answer, Control
from canaryctl.drivers.template import HEADER, Address, Routing, header, intact, parse_header
from canaryctl.ports import Mark
from tests.fakes import FakeHost
from tests.fuzz import dice as a
from tests.fuzz.target import Target

_LIVE = "/etc/nginx/conf.d/canaryctl-upstream.conf"
_BODY = "upstream app {\n    server 10.0.0.1:80 weight=19;\n    server 10.0.0.2:80;\n}\n"
_ROUTING = Routing("app", (Address("10.0.0.1:80"),), (Address("10.0.0.2:80"),), "9180")


class _Silent(Control):
    def ask(self) -> Answer:
        raise GatewayUnreachable("nobody answers")


def _mark(dice: Random) -> Mark:
    return Mark(a.text(dice), a.text(dice), a.text(dice), a.text(dice))


def written(dice: Random) -> None:
    """Whatever a mark says, the state stays one line and is read back as it was."""
    mark, weight = _mark(dice), Weight(dice.randint(0, 10_000))
    generation = a.text(dice, 2)
    text = f"{header(weight, generation, mark, _BODY)}\n{_BODY}"
    assert text.count("\n") == 1 + _BODY.count("\n")
    first = text.partition("\n")[0]
    assert first.isascii()
    assert first.isprintable()
    state = parse_header(text)
    assert state is not None
    assert Mark(**{name: state[name] for name in Mark.__slots__}) == mark
    assert (state["generation"], state["weight"]) == (generation, str(weight))
    assert intact(text)


def edited(dice: Random) -> None:
    """A file that somebody changed is never taken for one that canaryctl wrote."""
    mark = _mark(dice) if dice.random() < 0.5 else Mark("v2", "r1", "ann@box:1", "stage 1")
    text = f"{header(Weight(500), '7-abc', mark, _BODY)}\n{_BODY}"
    changed = _edited(dice, text)
    state = parse_header(changed)
    if state is not None:
        assert isinstance(state["generation"], str)
        assert all(isinstance(one, str) for pair in state.items() for one in pair)
    assert intact(changed) == (changed == text), "an edited file is taken for canaryctl's own"


def _edited(dice: Random, text: str) -> str:
    first, _, body = text.partition("\n")
    match dice.randrange(6):
        case 0:
            return a.mutated(dice, text)
        case 1:
            return f"{a.mutated(dice, first)}\n{body}"
        case 2:
            return f"{HEADER}{a.deep(dice)}\n{body}"
        case 3:
            return text.replace("\n", dice.choice(("\r\n", "\n\n", " \n", "")))
        case 4:
            return f"{HEADER}{a.as_json(dice, a.value(dice, 4))}\n{body}"
    state = a.mutated_json(dice, json.loads(first.removeprefix(HEADER)))
    return f"{HEADER}{a.as_json(dice, state)}\n{body}"


def looked_at(dice: Random) -> None:
    """Whatever the file is, who looks at the gateway is told, and nothing is changed."""
    text = f"{header(Weight(500), '7-abc', _mark(dice), _BODY)}\n{_BODY}"
    text = _edited(dice, text) if dice.random() < 0.9 else text
    host = FakeHost({_LIVE: text})
    clock = SystemClock()
    router = NginxRouter(
        host=host,
        control=_Silent("http://127.0.0.1:9180", clock),
        clock=clock,
        source="",
        routing=_ROUTING,
        live=_LIVE,
        token="t",  # noqa: S106  a name
        new_generation=lambda _: "8-x",
        writing=lambda: nullcontext(Turn("t")),
    )
    found = router.look()
    assert found.generation is None
    assert found.problem
    assert (found.mark is None) == (found.on_disk is None)
    assert host.files == {_LIVE: text}
    assert not host.steps


TARGETS = (
    Target("state written", written, share=6),
    Target("state edited", edited, share=14),
    Target("state looked at", looked_at, share=3),
)
