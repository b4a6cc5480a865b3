"""The script that a container is given: the same text for whatever values."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.drivers.docker_container import _detected
from canaryctl.drivers.docker_script import NginxCommand, compile_steps, completed
from canaryctl.ports import (
    Absent,
    Expect,
    Lock,
    Reload,
    Remove,
    Run,
    Step,
    Swap,
    Sweep,
    Unlock,
    Write,
)

_TEXT = st.text(st.characters(exclude_characters="\0"), max_size=40)
_NGINX = NginxCommand("/usr/sbin/nginx", "/etc/nginx", "/etc/nginx/nginx.conf")
_STEPS = st.lists(
    st.builds(Write, _TEXT, _TEXT, st.booleans())
    | st.builds(Absent, _TEXT)
    | st.builds(
        Lock, _TEXT, st.floats(0.1, 9), st.booleans(), st.none() | st.builds(Sweep, _TEXT, _TEXT)
    )
    | st.builds(Sweep, _TEXT, _TEXT, _TEXT)
    | st.just(Unlock())
    | st.builds(Run, st.tuples(_TEXT, _TEXT))
    | st.builds(Expect, _TEXT, _TEXT)
    | st.builds(Swap, _TEXT, _TEXT)
    | st.builds(Remove, _TEXT)
    | st.just(Reload()),
    max_size=12,
)


def _blanked(step: Step) -> Step:
    if isinstance(step, Run):
        return Run(tuple("-c" if word == "-c" else "x" for word in step.arguments))
    values = [one.name for one in fields(step) if isinstance(getattr(step, one.name), str)]
    blanked: Any = step  # which of the kinds it is, mypy need not know
    blanked = replace(blanked, **dict.fromkeys(values, "x"))
    if isinstance(blanked, Lock) and blanked.instead is not None:
        blanked = replace(blanked, instead=cast("Sweep", _blanked(blanked.instead)))
    return cast("Step", blanked)


@given(_STEPS)
def test_the_text_depends_on_no_value(steps: list[Step]) -> None:
    script = compile_steps(steps, _NGINX)
    assert script.text == compile_steps([_blanked(step) for step in steps], _NGINX).text
    used = [int(n) for n in re.findall(r'"\$\{(\d+)\}"', script.text)]
    assert set(used) == set(range(1, len(script.values) + 1))
    expected = sum(isinstance(step, Expect) for step in steps)
    assert script.text.count("$(cat -- ") == expected
    counting = 2 * sum(isinstance(step, Lock) for step in steps)  # $n and $((n+1))
    sweeps = sum(
        isinstance(step, Sweep)
        or (isinstance(step, Lock) and not step.needed and step.instead is not None)
        for step in steps
    )
    # No other expansion; a sweep names its file twice.
    assert script.text.count("$") == len(used) + expected + counting + 2 * sweeps


def test_each_step_ends_with_a_code_that_tells_which() -> None:
    steps = [Remove("/a")] * 3
    assert [completed(code, steps) for code in (0, 10, 11, 12)] == [3, 0, 1, 2]
    assert [completed(code, steps) for code in (1, 9, 13, 126, 127, 137)] == [None] * 6


def test_more_steps_than_codes_are_refused() -> None:
    with pytest.raises(ValueError, match="101 steps"):
        compile_steps([Remove("/a")] * 101, _NGINX)


def test_a_reload_is_called_like_any_other_command() -> None:
    script = compile_steps([Reload()], NginxCommand("nginx", "/p", "/m", ("-g", "daemon off;")))
    expected = ("nginx", "-p", "/p", "-c", "/m", "-g", "daemon off;", "-s", "reload")
    assert script.values == expected


def test_an_own_main_file_leaves_no_second() -> None:
    script = compile_steps([Run(("-t", "-c", "/staged"))], _NGINX)
    assert script.values == ("/usr/sbin/nginx", "-p", "/etc/nginx", "-t", "-c", "/staged")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["nginx"], NginxCommand("nginx")),
        (
            ["/docker-entrypoint.sh", "nginx", "-g", "daemon off;"],
            NginxCommand("nginx", None, None, ("-g", "daemon off;")),
        ),
        (["/opt/nginx", "-c", "/a", "-p/b/"], NginxCommand("/opt/nginx", "/b/", "/a")),
        (["nginx", "-c"], NginxCommand("nginx", None, "")),
        (["sh", "-c", "nginx -c /a"], NginxCommand()),
        (["/usr/local/bin/envoy", "-c", "/a"], NginxCommand()),
    ],
)
def test_the_containers_own_command_is_read(command: list[str], expected: NginxCommand) -> None:
    assert _detected(command) == expected
