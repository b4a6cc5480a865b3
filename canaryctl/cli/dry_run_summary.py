"""A dry run as Markdown, for the summary of a CI job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from canaryctl.listeners.line import clean
from canaryctl.quantities import spelled
from canaryctl.reporting.markdown_text import block, code, table, text

_SIGNS = {True: "✅", False: "❌", None: "–"}
_MOST = 60


def plan_summary(said: Mapping[str, Any]) -> str:
    """Write what ``rollout --dry-run --output json`` says for people."""
    return "\n".join(
        [
            *_head(said),
            *_deployment(said),
            *_gates(said),
            *_checks(said),
            *_configurations(said),
            "",
        ]
    )


def _head(said: Mapping[str, Any]) -> Iterator[str]:
    sign = "✅" if said["passed"] else "❌"
    yield f"## {sign} Dry run: {text(clean(said['service']))} {text(clean(said['version']))}"
    yield ""
    longest = spelled(said["longest"])
    yield f"{spelled(said['duration'])}, at most {longest} when stages are extended."
    yield ""
    rows = [(str(s["stage"]), f"{s['weight']:g} %", spelled(s["observe"])) for s in said["stages"]]
    yield from table(("stage", "canary", "observed for"), rows)


def _deployment(said: Mapping[str, Any]) -> Iterator[str]:
    if deploy := said["deploy"]:
        yield f"Deployed first, in {text(clean(deploy['project']))}:"
        yield ""
        yield from (f"- {text(clean(step))}" for step in deploy["steps"])
        yield ""


def _gates(said: Mapping[str, Any]) -> Iterator[str]:
    rows = [(code(clean(q["gate"])), text(clean(q["rule"]))) for q in said["queries"][:_MOST]]
    yield from table(("gate", "rule"), rows)


def _checks(said: Mapping[str, Any]) -> Iterator[str]:
    for one in said["checks"][:_MOST]:
        yield f"- {_SIGNS[one['passed']]} {text(clean(one['name']))}: {text(clean(one['detail']))}"
    yield ""


def _configurations(said: Mapping[str, Any]) -> Iterator[str]:
    yield "<details><summary>NGINX's configuration, stage by stage</summary>"
    yield ""
    for one in said["configurations"][:_MOST]:
        yield f"{one['weight']:g} %:"
        yield ""
        yield from block([clean(line) for line in one["diff"].splitlines()])
        yield ""
    yield "</details>"
