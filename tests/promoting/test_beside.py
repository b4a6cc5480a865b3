"""The gates before a promotion: what interrupts them is none of their answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from canaryctl.cli.promote_beside import PromoteBeside
from canaryctl.core.errors import Superseded
from canaryctl.core.hook_facts import HookAbout
from canaryctl.core.hooks import Hook, HookMoment
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.hooks import Hooks
from canaryctl.drivers.notifier import Notifier
from tests.sink import sink


def beside(base: Path, **how: object) -> PromoteBeside:
    hook = Hook("look", frozenset({HookMoment.BEFORE_PROMOTION}), gate=True, **how)  # type: ignore[arg-type]
    about = HookAbout("shop", "v0.2.0", "p1", "me@here:1")
    clock = SystemClock()
    return PromoteBeside(about, Hooks([hook], clock, base), Notifier([], clock), lambda: None)


@pytest.fixture(params=["program", "url"])
def one(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PromoteBeside]:
    if request.param == "program":
        yield beside(tmp_path, command=("sleep", "60"))
        return
    with sink(hangs=True) as there:
        yield beside(tmp_path, url=there.url, timeout=5.0)


def test_a_gateway_that_was_lost_meanwhile_is_no_refusal(one: PromoteBeside) -> None:
    ticks: list[int] = []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            raise Superseded("the gateway is you@there's")

    with pytest.raises(Superseded, match="you@there"):
        one.allowed(tick)
    assert len(ticks) == 3


def test_a_hook_that_refuses_says_why(tmp_path: Path) -> None:
    refusing = beside(tmp_path, command=("sh", "-c", "echo a freeze; exit 3"))
    assert refusing.allowed(lambda: None).startswith("look: exit code 3 after")
