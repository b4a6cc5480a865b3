"""``canaryctl schema VERB``: the JSON schema of a verb's ``--output json``, for who reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from canaryctl.cli.context import Output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("schema")(schema)


def schema(
    verb: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VERB]", help="Such as rollout, or weights set; none: the list."),
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Print the JSON schema of what a verb writes with --output json: of each line of it."""
    from canaryctl.core.errors import ConfigError

    every = lines()
    name = " ".join(verb or ())
    if not name:
        if output is Output.JSON:
            typer.echo(json.dumps({"event": "schemas", "verbs": list(every)}))
        else:
            typer.echo("\n".join(every))
        return
    if name not in every:
        raise ConfigError(
            f"no schema of {name!r}", next_step=f"there is one of each of: {', '.join(every)}"
        )
    made = schema_of(name, every)
    typer.echo(json.dumps(made, indent=2 if output is Output.TEXT else None))


def schema_of(verb: str, every: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, Any]:
    """Give the schema (draft 2020-12) that each line of a verb's output satisfies."""
    return {
        "$schema": DIALECT,
        "title": f"A line of canaryctl {verb} --output json",
        "anyOf": list(every[verb]),
    }


def lines() -> dict[str, tuple[dict[str, Any], ...]]:
    """Give, for every verb, the lines that it can write; any may end with an error's."""
    from canaryctl.cli import schema_around as around
    from canaryctl.cli import schema_now as now
    from canaryctl.cli import schema_past as past
    from canaryctl.cli import schema_rollout as rollout
    from canaryctl.cli import schema_steps as steps
    from canaryctl.cli.schema_shapes import ANY, TEXTS, event

    every: dict[str, tuple[dict[str, Any], ...]] = {
        "rollout": (*rollout.LINES, rollout.DRY_RUN, steps.DEPLOY),
        **dict.fromkeys(("resume", "demo"), rollout.LINES),
        "retry": (*rollout.LINES, steps.DEPLOY),
        "promote": steps.PROMOTION,
        **dict.fromkeys(("rollback", "weights set"), (now.WEIGHT,)),
        "weights": (now.WEIGHTS,),
        "recover": (now.RECOVERED,),
        "status": (now.STATUS,),
        **dict.fromkeys(
            ("pause", "continue", "hold", "advance", "abort", "approve"), (now.CONTROL,)
        ),
        "analyze": (now.ANALYSIS,),
        "simulate": now.SIMULATION,
        "history": (past.ENTRY, past.WRITTEN),
        "replay": (past.TICK, past.REPLAYED),
        "report": (past.REPORTED,),
        "check": (around.CHECK,),
        "release": (around.RELEASE,),
        "smoke-test": (around.SMOKE_TEST, around.SUITE),
        "notify test": (around.NOTIFY_TEST,),
        "config check": (now.CONFIG,),
        "config show": (ANY,),
        "config schema": (ANY,),
        "init": (now.INIT,),
        "schema": (ANY, event("schemas", {"verbs": TEXTS})),
    }
    return {verb: (*many, rollout.ERROR) for verb, many in every.items()}
