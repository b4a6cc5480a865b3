"""Hooks as they are run: real programs, real servers."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Any

import pytest

from canaryctl.core.gate import Status
from canaryctl.core.hook_facts import HookAbout
from canaryctl.core.hooks import Hook, HookFacts, HookMoment, HookResult
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.hook_run import run_hook
from canaryctl.drivers.hooks import Hooks
from tests.sink import sink
from tests.smoke.faulty_service import Reply, serving

MOMENT = HookMoment.BEFORE_STAGE
FACTS = HookFacts(MOMENT, "shop", "v0.2.0", "r1", "me@here:1", 2, 4, 5.0)


def hook(*command: str, **more: Any) -> Hook:
    return Hook("look", frozenset({MOMENT}), command, **more)


def ran(one: Hook, base: Path, stopped: Event | None = None) -> HookResult:
    return run_hook(one, FACTS, SystemClock(), base, (stopped or Event()).is_set)


def test_a_program_is_told_the_facts_in_the_folder_of_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "bin" / "look"
    path.parent.mkdir()
    path.write_text(
        "#!/bin/sh\n"
        'echo "$PWD|$CANARYCTL_EVENT|$CANARYCTL_SERVICE|$CANARYCTL_VERSION|$CANARYCTL_ROLLOUT|'
        '$CANARYCTL_OWNER|$CANARYCTL_STAGE/$CANARYCTL_STAGES|$CANARYCTL_WEIGHT|$CANARYCTL_REASON|$1"'
    )
    path.chmod(0o755)
    found = ran(hook("./bin/look", "a b; $HOME"), tmp_path)
    said = f"{tmp_path}|before-stage|shop|v0.2.0|r1|me@here:1|2/4|5||a b; $HOME"
    assert found.passed
    assert (found.value, found.limit, found.comparator) == (0, 0.0, "=")
    assert found.reason.startswith("exit code 0 after ")
    assert found.reason.endswith(said)


@pytest.mark.parametrize(
    ("command", "status", "value", "said"),
    [
        (("sh", "-c", "echo one; echo two >&2; exit 9"), Status.FAIL, 9, "exit code 9 after"),
        (("sh", "-c", "kill -KILL $$"), Status.FAIL, -9, "ended by signal 9"),
        (("./none",), Status.ERROR, None, "'./none' cannot be started: No such file"),
        (("sh", "-c", "a\0b"), Status.ERROR, None, "cannot be started"),
    ],
)
def test_how_a_program_can_fail(
    tmp_path: Path, command: tuple[str, ...], status: Status, value: float | None, said: str
) -> None:
    found = ran(hook(*command), tmp_path)
    assert (found.status, found.value) == (status, value)
    assert said in found.reason


def test_a_program_ends_with_its_time_or_when_it_is_told_to(tmp_path: Path) -> None:
    late = ran(hook("sleep", "60", timeout=0.2), tmp_path)
    assert (late.status, late.value) == (Status.FAIL, None)
    assert late.reason == "it did not end within 0.2 s"
    stopped = Event()
    stopped.set()
    told = ran(hook("sleep", "60"), tmp_path, stopped)
    assert told.reason == "it was ended before its end"


def test_a_url_is_told_the_same_and_its_status_decides(tmp_path: Path) -> None:
    with sink() as there:
        one = hook(url=f"http://ann:sesame@127.0.0.1:{there.port}/x", headers={"X-Key": "k"})
        assert ran(one, tmp_path).passed
        there.status, there.answer = 409, "first\nnot on Fridays\n"
        found = ran(one, tmp_path)
    assert there.told[0].body == FACTS.record()
    assert there.told[0].headers["X-Key"] == "k"
    assert there.told[0].headers["Authorization"].startswith("Basic ")
    assert (found.status, found.value, found.limit) == (Status.FAIL, 409.0, 299)
    assert found.reason.startswith("HTTP 409 after ")
    assert found.reason.endswith("s: not on Fridays")


SAYS = r'printf "C:\\\\new \033]0;pwned\007\033[31mred"; exit 7'
SHOWN = r": C:\new \x1b]0;pwned\x07\x1b[31mred"


def test_what_a_hook_says_does_not_act_on_the_terminal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = hook("sh", "-c", SAYS)
    assert ran(one, tmp_path).reason.endswith(SHOWN)
    hooks = Hooks([one], SystemClock(), tmp_path)
    with caplog.at_level(logging.WARNING):
        hooks.fire(MOMENT, FACTS)
        hooks.close()
    assert f"s{SHOWN}; that changes nothing" in caplog.text
    with sink() as there:
        there.status, there.answer = 409, "C:\\new \x1b]0;pwned\x07\x1b[31mred"
        assert ran(hook(url=there.url), tmp_path).reason.endswith(SHOWN)


def test_a_url_that_does_not_answer_has_failed(tmp_path: Path) -> None:
    with sink(hangs=True) as there:
        late = ran(hook(url=there.url, timeout=0.3), tmp_path)
    assert (late.status, late.value) == (Status.FAIL, None)
    assert late.reason == f"127.0.0.1:{there.port} gave no answer within 0.3 s"
    gone = ran(hook(url="http://127.0.0.1:1/?key=sesame-open"), tmp_path)
    assert gone.status is Status.ERROR
    assert gone.reason.startswith("127.0.0.1:1 cannot be told: ")
    assert "sesame" not in gone.reason


def test_a_url_that_drips_its_answer_has_failed_in_time(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.routes["POST /told"] = Reply(drip=0.02)
        result = ran(hook(url=f"{service.url}/told", timeout=0.2), tmp_path)
    assert result.status is Status.FAIL
    assert result.reason == f"127.0.0.1:{service.port} gave no complete answer within 0.2 s"
    assert result.seconds < 3


def test_while_a_url_is_asked_its_asker_is_heard_and_can_end_it(tmp_path: Path) -> None:
    threads: list[Thread] = []

    def stopped() -> bool:
        threads.append(current_thread())
        return len(threads) == 4

    with sink(hangs=True) as there:
        one = hook(url=there.url, timeout=5.0)
        found = run_hook(one, FACTS, SystemClock(), tmp_path, stopped)
    assert (found.status, found.value) == (Status.FAIL, None)
    assert found.reason == "it was ended before its end"
    assert threads == [current_thread()] * 4


def test_gates_are_asked_in_order_up_to_the_first_that_fails(tmp_path: Path) -> None:
    def touching(name: str, code: int) -> Hook:
        return replace(hook("sh", "-c", f"touch {name}; exit {code}", gate=True), name=name)

    hooks = Hooks([touching("a", 0), touching("b", 1), touching("c", 0)], SystemClock(), tmp_path)
    found = hooks.ask(MOMENT, FACTS)
    assert [(one.hook, one.passed) for one in found] == [("a", True), ("b", False)]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "b"]
    assert hooks.ask(HookMoment.AFTER_STAGE, FACTS) == ()


def test_the_others_run_beside_in_order_and_what_fails_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    slow = hook("sh", "-c", "sleep 0.3; echo slow >> said")
    quick = hook("sh", "-c", 'echo "quick $CANARYCTL_EVENT" >> said; echo why; exit 4')
    gate = hook("sh", "-c", "echo gate >> said", gate=True)
    hooks = Hooks([slow, quick, gate], SystemClock(), tmp_path)
    with caplog.at_level(logging.WARNING):
        hooks.fire(MOMENT, FACTS)
        hooks.fire(HookMoment.AFTER_ROLLOUT, HookAbout("shop", "v1").plain(MOMENT))
        hooks.close()
    assert (tmp_path / "said").read_text().splitlines() == ["slow", "quick before-stage"]
    (line,) = caplog.messages
    assert line.startswith("hook look (before-stage) failed: exit code 4 after")
    assert "why; that changes nothing" in line


def test_nobody_has_to_wait_for_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    hooks = Hooks([hook("sh", "-c", "echo $$ > pid; sleep 60")], SystemClock(), tmp_path)
    hooks.fire(MOMENT, FACTS)
    hooks.fire(MOMENT, FACTS)
    pid = tmp_path / "pid"
    with caplog.at_level(logging.WARNING):
        hooks.close(lambda: pid.exists() and pid.read_text().strip())
    assert "2 hooks were not waited for; the one under way was ended" in caplog.messages
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
