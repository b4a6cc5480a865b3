"""All checks side by side: in order, each with its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from canaryctl.checking.finding import Said, Status, failed, passed, some, together, unknown, warned
from canaryctl.checking.scene import Check, Scene
from canaryctl.checking.suite import SIDE_BY_SIDE, Mild, Suite
from canaryctl.core.errors import CanaryctlError, ConfigError
from canaryctl.drivers.clock import SystemClock


@dataclass
class Doing:
    """A check that does what a test says."""

    name: str
    do: Callable[[], Said]
    within: float = 5.0

    def look(self) -> Said:
        return self.do()


class Hurried:
    """A clock that runs a hundred times as fast."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._began = self._real.now()

    def now(self) -> float:
        return self._began + (self._real.now() - self._began) * 100

    def sleep(self, seconds: float) -> None:
        self._real.sleep(seconds / 100)


def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path, "v0.2.0", SystemClock())


def test_they_run_side_by_side_and_are_said_in_order(tmp_path: Path) -> None:
    together_ = threading.Barrier(SIDE_BY_SIDE)

    def waits() -> Said:
        together_.wait(20)
        return passed("met the others")

    checks = [Doing(f"check {number}", waits) for number in range(2 * SIDE_BY_SIDE)]
    found = list(Suite(scene(tmp_path), checks).run())
    assert [one.name for one in found] == [one.name for one in checks]
    assert {one.status for one in found} == {Status.PASS}


def test_each_is_said_as_soon_as_all_before_it_are(tmp_path: Path) -> None:
    go = threading.Event()

    def later() -> Said:
        assert go.wait(20)
        return passed("later")

    findings = Suite(
        scene(tmp_path), [Doing("first", lambda: passed("at once")), Doing("second", later)]
    ).run()
    assert next(findings).name == "first"
    go.set()
    assert next(findings).name == "second"


def test_what_hangs_is_given_up_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    go = threading.Event()

    ended: list[bool] = []

    def hangs() -> Said:
        ended.append(go.wait(60))
        return passed("too late")

    checks = [Doing(f"hangs {number}", hangs) for number in range(SIDE_BY_SIDE)]
    checks.append(Doing("fine", lambda: passed("yes"), within=1e6))
    try:
        found = list(Suite(Scene(tmp_path, "v0.2.0", Hurried()), checks).run())
        assert not ended
    finally:
        go.set()
    assert {one.status for one in found[:-1]} == {Status.FAIL}
    assert "no result within 15 s" in found[0].reason
    assert found[-1].status is Status.PASS


def test_an_error_is_a_failure_with_its_next_step(tmp_path: Path) -> None:
    def breaks() -> Said:
        raise CanaryctlError("it is gone", next_step="bring it back")

    checks: list[Check] = [Doing("a", breaks), Mild(Doing("b", breaks))]
    found = list(Suite(scene(tmp_path), checks).run())
    assert [one.status for one in found] == [Status.FAIL, Status.WARN]
    assert {(one.reason, one.mend) for one in found} == {("it is gone", "bring it back")}


@pytest.mark.parametrize("error", [ConfigError("mend canary.yaml"), ZeroDivisionError("a defect")])
def test_a_wrong_configuration_and_a_defect_are_no_findings(
    tmp_path: Path, error: Exception
) -> None:
    def breaks() -> Said:
        raise error

    whole = Suite(scene(tmp_path), [Doing("a", breaks)])
    with pytest.raises(type(error)):
        list(whole.run())
    assert whole.scene.stopping.is_set()


def test_programs_end_when_nobody_wants_to_know_any_more(tmp_path: Path) -> None:
    here = scene(tmp_path)
    ended = threading.Event()

    def runs() -> Said:
        ran = here.run(("sleep", "600"), 600)
        ended.set()
        return passed(str(ran.code))

    findings = Suite(here, [Doing("a", lambda: passed("x")), Doing("b", runs)]).run()
    next(findings)
    findings.close()  # type: ignore[attr-defined]  # a generator
    assert ended.is_set()


def test_what_is_said_is_one_printable_line_without_secrets(tmp_path: Path) -> None:
    checks = [Doing("a", lambda: failed("a\x1b[2J\nhunter22", "type\thunter22"))]
    (found,) = Suite(scene(tmp_path), checks, lambda text: text.replace("hunter22", "***")).run()
    assert (found.reason, found.mend) == ("a?[2J?***", "type?***")


def test_the_worst_comes_first() -> None:
    all_of_it = [warned("w", "1"), failed("f", "2"), unknown("u", "3"), failed("g", "2")]
    found = together(all_of_it, "")
    assert (found.status, found.reason, found.mend) == (Status.FAIL, "f; g; u; w", "2; 3; 1")
    assert [one.reason for one in found.parts] == ["f", "g", "u", "w"]
    assert [one.reason for one in together([*all_of_it, warned("x", "")], "").parts][-2:] == [
        "w",
        "and 1 more",
    ]
    assert together([], "good") == passed("good")
    assert together([failed("f", "2")], "") == failed("f", "2")
    assert some(list("abcdef")) == "a, b, c, d, and 2 more"
