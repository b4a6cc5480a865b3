"""``canaryctl config check``, ``config show`` and ``config schema``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from canaryctl.cli.context import Output, context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from canaryctl.config.model import Config

_OUTPUT = typer.Option("--output", "-o")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("check")(check)
    group.command("show")(show)
    group.command("schema")(schema)
    app.add_typer(group, name="config", help="Check or show canary.yaml, or its JSON schema.")


def check(ctx: typer.Context, output: Annotated[Output, _OUTPUT] = Output.TEXT) -> None:
    """Check canary.yaml and say what was understood. Asks nobody but the file."""
    given = context(ctx)
    config = given.config()
    if output is Output.JSON:
        from canaryctl.cli.config_text import shown

        said = {"event": "config", "ok": True, "file": str(given.path()), "config": shown(config)}
        typer.echo(json.dumps(said))
        return
    typer.echo(f"{given.path()} is OK")
    for label, said_ in understood(config):
        typer.echo(f"  {label:<9} {said_}")


def show(ctx: typer.Context, output: Annotated[Output, _OUTPUT] = Output.TEXT) -> None:
    """Show the effective configuration, every default filled in and every secret masked."""
    from canaryctl.cli.config_text import as_yaml, shown

    config = context(ctx).config()
    if output is Output.JSON:
        typer.echo(json.dumps(shown(config)))
        return
    typer.echo(as_yaml(config), nl=False)


def schema(output: Annotated[Output, _OUTPUT] = Output.TEXT) -> None:
    """Print the JSON schema (draft 2020-12) that editors check canary.yaml with."""
    from canaryctl.cli.config_schema import schema as made

    typer.echo(json.dumps(made(), indent=2 if output is Output.TEXT else None))


def understood(config: Config) -> Iterator[tuple[str, str]]:
    """Give what a configuration means, a labelled line each."""
    from canaryctl.cli.config_text import shown
    from canaryctl.cli.rules import judged_line
    from canaryctl.listeners.line import clean
    from canaryctl.listeners.plan_words import planned

    written = shown(config)
    plan = config.core_plan()
    yield "service", config.service
    yield "stable", ", ".join(config.versions.stable.address)
    yield "canary", ", ".join(config.versions.canary.address)
    yield "gateway", clean(_gateway(written["gateway"]))
    yield "plan", planned(plan)
    yield "judged", judged_line(config)
    yield "bounds", f"a stage lasts at most {plan.extend_to:g} times as long, without a verdict"
    yield "metrics", clean(_metrics(written["metrics"]))
    label = "gates"
    for gate in written["gates"]:
        yield label, clean(_gate(gate))
        label = ""
    if config.liveness:
        times = f"{config.liveness} failed scrapes in a row"
        yield label, f"canary up: {times} end the rollout"
    yield from (("hooks", clean(said)) for said in _hooks(config))
    yield from (("notify", clean(said)) for said in _channels(config))


def _hooks(config: Config) -> Iterator[str]:
    from canaryctl.quantities import spelled

    for one, given in zip(config.core_hooks(), config.hooks, strict=True):
        gate = "a gate, " if one.gate else ""
        at = ", ".join(moment.value for moment in given.at)
        yield f"{one.name}: {gate}{at}, {spelled(one.timeout)} at most"


def _channels(config: Config) -> Iterator[str]:
    if not config.notify:
        return
    from canaryctl.drivers.notifier import UNKNOWN, unknown

    channels = [one.core() for one in config.notify]
    wrong = unknown(channels)
    for one, channel in zip(config.notify, channels, strict=True):
        events = ", ".join(one.events) or "every event"
        lost = f" · nothing will arrive: {UNKNOWN}" if channel in wrong else ""
        yield f"{one.name}: {events}, from {one.severity.value} on{lost}"


def _gateway(gateway: dict[str, Any]) -> str:
    if gateway["driver"] == "local":
        where = f"NGINX on this machine ({gateway.get('binary', 'nginx')})"
    elif "service" in gateway:
        project = gateway.get("project")
        where = f"Compose service {f'{project}/' if project else ''}{gateway['service']}"
    else:
        where = f"container {gateway['container']}"
    return f"{where}, {gateway['config']}, proven at {gateway['verify']}"


def _metrics(source: dict[str, Any]) -> str:
    if source["provider"] == "prometheus":
        return f"Prometheus at {source['url']}"
    return f"both versions' own {source['path']}"


def _gate(gate: dict[str, Any]) -> str:
    usual = {"consecutive": 1, "severity": "rollback", "on_no_data": "hold"}
    shown = ("max", "min", "max_ratio", "min_samples", *usual)
    said = [gate["kind"]]
    for key in shown:
        value = gate.get(key)
        if isinstance(value, dict):
            value = f"({', '.join(f'{part} {limit}' for part, limit in value.items())})"
        if value is not None and value != usual.get(key):
            said.append(f"{key} {value}")
    return f"{gate['name']}: {', '.join(said)}"
