"""Hooks before a rollout that holds its gateway already, for its deployment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from canaryctl.cli.beside import Beside
from canaryctl.cli.stop import StopFlag
from canaryctl.core.hook_facts import HookAbout
from canaryctl.core.hooks import Hook, HookMoment
from canaryctl.drivers.hooks import AskedHooks, Hooks
from canaryctl.drivers.notifier import Notifier
from canaryctl.ports import Mark
from tests.drivers.test_tenure import World
from tests.sink import sink


@pytest.fixture(params=["program", "url"])
def hook(request: pytest.FixtureRequest) -> Iterator[Hook]:
    moment = frozenset({HookMoment.BEFORE_ROLLOUT})
    if request.param == "program":
        yield Hook("look", moment, ("sleep", "60"), timeout=1e6, gate=True)
        return
    with sink(hangs=True) as there:
        yield Hook("look", moment, url=there.url, timeout=5.0, gate=True)


def test_the_lease_is_kept_while_a_hook_is_asked(hook: Hook, tmp_path: Path) -> None:
    world = World()
    world.tenure.take()

    class Stop(StopFlag):
        """Passes time, and ends the hook after five minutes."""

        def by(self) -> str | None:
            world.clock.sleep(10.0)
            return "Ctrl-C" if world.guardian.beats == 30 else None

    hooks, about = Hooks([hook], world.clock, tmp_path), HookAbout("shop", "v1")
    beside = Beside(
        about, Mark("v1"), hooks, AskedHooks(hooks, about.asked), Notifier([], world.clock)
    )
    (check,) = beside.checks(world.tenure, Stop())
    assert not check.passed
    assert world.there().doing == "asking hooks before the rollout"
    assert world.there().beat >= 28  # one each ten seconds
