"""`hooks` and `notify` of canary.yaml: what is understood, refused, and kept secret."""

from __future__ import annotations

import pytest

from canaryctl.cli.config_text import as_yaml
from canaryctl.config import loads
from canaryctl.config.model import Config
from canaryctl.core.errors import ConfigError
from canaryctl.core.hooks import HookMoment
from canaryctl.core.notice import Level, Notice, Occasion
from canaryctl.core.plan import Ask
from canaryctl.core.redaction import SECRETS
from tests.recorded import configured

HOOKS = """
hooks:
  - {at: before-stage, command: [./bin/warm, --fast], gate: true, timeout: 90s}
  - {name: orders, at: [after-stage, before-rollout], url: "https://h.example/x", gate: true}
  - {at: [after-rollback], url: "https://u:p@h.example:8443/y", headers: {X-Key: topsecret}}
"""


def read(more: str, **env: str) -> Config:
    found: Config = loads(configured(more), "canary.yaml", env)
    return found


def test_hooks_are_read_and_stand_in_the_plan() -> None:
    config = read(HOOKS)
    warm, orders, back = config.core_hooks()
    assert (warm.name, warm.command, warm.timeout) == ("warm", ("./bin/warm", "--fast"), 90.0)
    assert (back.name, back.headers, back.gate) == ("h.example:8443", {"X-Key": "topsecret"}, False)
    assert orders.at == {HookMoment.AFTER_STAGE, HookMoment.BEFORE_ROLLOUT}
    for stage in config.core_plan().stages:
        assert stage.before == (Ask(HookMoment.BEFORE_STAGE, ("warm",)),)
        assert stage.after == (Ask(HookMoment.AFTER_STAGE, ("orders",)),)
    assert "topsecret" not in as_yaml(config) + repr(config.core_hooks())


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("{at: after-rollback, command: [x], gate: true}", "nothing can be stopped any more at"),
        ("{at: before-stage}", "give command or url"),
        ("{at: before-stage, command: [x], url: 'http://x/'}", "give command or url"),
        ("{at: before-stage, command: []}", "command"),
        ("{at: before-stage, command: ['']}", "the program is the first word"),
        ("{at: before-stage, command: [x], headers: {a: b}}", "headers belong to a url"),
        ("{at: [], command: [x]}", "at"),
        ("{at: before-lunch, command: [x]}", "'before-lunch' is none of before-rollout"),
        ("{at: [after-roll-out], command: [x]}", "did you mean 'after-rollout'"),
        ("{at: [after-stage, after-stage], command: [x]}", "twice"),
        ("{at: [[x]], command: [x]}", "is none of"),
        ("{at: before-stage, command: [x], timeout: 2h}", "timeout"),
        ("{at: before-stage, command: [x], timeout: 0}", "timeout"),
    ],
)
def test_what_is_wrong_with_a_hook_is_said(hook: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"hooks\[0\]") as caught:
        read(f"hooks: [{hook}]")
    assert said in str(caught.value)


CHANNELS = """
notify:
  - {name: team, to: "slack://${TEAM}/TokenBBB2", severity: warning}
  - {name: hook, to: "json://canary:hunter2hunter2@sink.example:8080/rollouts/path-key-1"}
"""


def test_channels_are_read_and_nothing_of_them_is_shown() -> None:
    config = read(CHANNELS, TEAM="TokenAAA1")
    team, hook = config.channels()
    assert (team.to, team.severity) == ("slack://TokenAAA1/TokenBBB2", Level.WARNING)
    said = f"{team} {hook} {as_yaml(config)} {config!r}"
    for secret in ("TokenAAA1", "TokenBBB2", "hunter2", "path-key-1"):
        assert secret not in said
    hidden = SECRETS.hide(
        "no TokenAAA1, TokenBBB2, hunter2hunter2 at sink.example, path-key-1, rollouts"
    )
    assert hidden == "no ***, ***, *** at sink.example, ***, rollouts"


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ("{name: a, to: nowhere}", "an apprise URL"),
        (
            "{name: a, to: 'slack://'}",
            "to: an apprise URL: such as slack, json or ntfy, then :// and",
        ),
        ("{name: a, to: mailto}", "to: an apprise URL: such as slack, json or ntfy, then :// and"),
        ("{name: a, to: 'json://x', events: [lunch]}", "events"),
        ("{name: a, to: 'json://x', severity: loud}", "severity"),
        ("{to: 'json://x'}", "name: missing"),
        (
            "{name: a, to: 'json://x'},\n  {name: a, to: 'json://y'}",
            "canary.yaml:12: notify[1].name: the name 'a' is used twice",
        ),
    ],
)
def test_what_is_wrong_with_a_channel_is_said(channel: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(f"notify: [{channel}]")
    assert said in str(caught.value)


def test_a_channel_is_told_what_it_asks_for() -> None:
    config = read("""
notify:
  - {name: all, to: "json://a"}
  - {name: warned, to: "json://b", severity: warning}
  - {name: picked, to: "json://c", events: [started, unproven], severity: critical}
""")
    told = {
        occasion: [
            one.name for one in config.channels() if one.wants(Notice(occasion, "title", "body"))
        ]
        for occasion in (Occasion.STARTED, Occasion.ROLLED_BACK, Occasion.UNPROVEN)
    }
    assert told == {
        Occasion.STARTED: ["all"],
        Occasion.ROLLED_BACK: ["all", "warned"],
        Occasion.UNPROVEN: ["all", "warned", "picked"],
    }
