"""A rollout whose every word was chosen by somebody who means harm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from canaryctl.core.control import Verb
from canaryctl.core.events import Check, Controlled
from canaryctl.core.gate import Finding
from canaryctl.core.plan import Plan
from canaryctl.core.state import State
from canaryctl.listeners.journal import About, Journal
from tests.listeners.walk import LOSS, Walk, errors, plan

HARM = (
    "<img src=x onerror=alert(1)>",
    "</style></title><script>alert(1)</script>",
    "a | b | c\n| d |",
    "`code``` @team #12 !34 owner/repo#5",
    "[click](javascript:alert(1)) ![x](http://evil.example/x.png)",
    "https://evil.example/ www.evil.example mail@evil.example",
    "{{ 7 * 7 }} {% raw %} \x1b[2J \u202e",
    "*bold* _it_ ~~no~~ <b>b</b> &amp; &#60;x&#62; \\| \\",
    "\" onload='x' =cmd|' /C calc'!A0 :tada: $x$ <!-- -->",
)
NAME = "20250101-000000-evil"


def written(directory: Path, evaluations: int = 3) -> None:
    """Write it into a journal."""
    finding: list[Finding] = [
        replace(LOSS, gate=text, reason=text, part=text, queries=(text,)) for text in HARM
    ]
    about = About(NAME, *("".join(HARM),) * 5)
    journal = Journal(about, directory)
    walk = Walk([journal], State(_plan()))
    walk.begin(tuple(Check(text, True, text) for text in HARM))
    for text in HARM:
        walk.event(Controlled(walk.now, Verb.PAUSE, text, text, text, text))
        walk.event(Controlled(walk.now, Verb.CONTINUE, text, text, text, text))
    for _ in range(evaluations):
        walk.judge(*finding)
    bad = replace(errors(900, 1000), gate=HARM[0], reason=HARM[1], queries=HARM)
    walk.judge(bad, *finding)
    walk.prove()
    journal.close()


def _plan() -> Plan:
    return plan("5", "100", observe=600.0)
