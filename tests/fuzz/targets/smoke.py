"""Smoke suites and what services answer to them: a result or a message, never anything else."""

# ruff: noqa: PT017  an error is one of two good ends, and held to what it promises

from __future__ import annotations

import json
import re
from random import Random

from canaryctl.core.errors import ConfigError
from canaryctl.core.redaction import SECRETS
from canaryctl.smoke.excerpt import of_body
from canaryctl.smoke.json_path import JsonPath
from canaryctl.smoke.load import suite_of
from canaryctl.smoke.log_line import event_fields, lacking
from tests.fuzz import dice as a
from tests.fuzz.target import Target, showable

_SECRET = "hunter2-hunter2"  # noqa: S105  looked for in messages
_ENVIRONMENT = {"API_TOKEN": _SECRET, "ODD": "a: [1]\n\x1b[2J"}
_SUITE = """\
name: shop
headers: {X-Key: "${API_TOKEN}"}
steps:
  - name: a
    request: {method: POST, path: /items, json: {n: [1, "x"], t: "${ODD}"}}
    expect: {status: [200, 2xx], json: {$.id: {exists: true, matches: "^a"}, "$.o[*]": 1}}
    save: {id: $.id}
  - {name: b, request: {path: "/items/{id}"}, timeout: 5s}
  - {name: c, after: a, logs: {event: e, fields: [x], values: {id: "{id}"}, within: 3s}}
  - {name: d, metrics: {families: [up, {name: up, labels: {a: b}}]}}
"""
_LINES = (
    '{"event": "e", "mode": "fast", "data": {"x": 1}}',
    "2026-01-02T03:04:05Z INFO e{mode=fast, elapsed_ms=12}",
    'ts=3 event=e mode="a b" x=1',
)
_PLACE = re.compile(r"f\.y:\d+: ")


def suites(dice: Random) -> None:
    """Any text is a suite, or an error of one printable line for each problem."""
    try:
        suite_of(a.mutated(dice, _SUITE), "f.y", _ENVIRONMENT)
    except ConfigError as error:
        for line in str(error).split("\n"):
            assert _PLACE.match(line), f"it does not say where: {line!r}"
            assert showable(line), line
        assert _SECRET not in str(error)
    finally:
        SECRETS.know(())


def answers(dice: Random) -> None:
    """Whatever a service answers is shown in one bounded line, and paths lead somewhere or not."""
    text = a.as_json(dice, a.value(dice))
    shown = of_body(text.encode(errors="surrogatepass"))
    assert showable(shown), shown
    assert len(shown) < 1_000
    try:
        document = json.loads(text)
        path = JsonPath.parse(f"$.{a.text(dice, 2)}" if dice.random() < 0.3 else "$[*]['a'][0]")
    except (ValueError, RecursionError):
        return
    assert path.look(document)


def lines(dice: Random) -> None:
    """A line is about the event, or not."""
    fields = event_fields(a.mutated(dice, dice.choice(_LINES)), "e")
    if fields is not None:
        lacking(fields, ("mode", "data.x"))


TARGETS = (
    Target("smoke suites", suites, share=0.6),
    Target("smoke answers", answers, share=2),
    Target("log lines", lines, share=3),
)
