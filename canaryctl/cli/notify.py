"""``canaryctl notify test``: does a message reach every channel?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Output, context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canaryctl.config.model import Config
    from canaryctl.core.notice import Channel
    from canaryctl.drivers.notifier import Delivery


def register(app: typer.Typer) -> None:
    """Add the verb."""
    verb = typer.Typer(no_args_is_help=True, help="Tell people: test the channels of `notify`.")
    verb.command("test")(send_test)
    app.add_typer(verb, name="notify")


def send_test(
    ctx: typer.Context,
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="NAME", help="Only this one.")
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Send a test message to every channel, whatever it wants; ends 4 when one is not reached."""
    from canaryctl.core.notice import trial
    from canaryctl.core.redaction import SECRETS
    from canaryctl.drivers.clock import SystemClock
    from canaryctl.drivers.notifier import tried
    from canaryctl.wiring import owner

    config = context(ctx).config()
    chosen = _chosen(config, channel)
    message = trial(config.service, f"{owner()} with `canaryctl notify test`")
    found = tried(chosen, message, SystemClock())
    failed = [one for one in found if one.problem]
    if output is Output.JSON:
        said = {
            "event": "notify_test",
            "service": config.service,
            "passed": not failed,
            "channels": [
                {
                    "name": one.channel,
                    "delivered": not one.problem,
                    "problem": one.problem or None,
                    "seconds": round(one.seconds, 3),
                }
                for one in found
            ],
        }
        typer.echo(SECRETS.hide(json.dumps(said)))
    else:
        _tell(found)
    if failed:
        raise typer.Exit(4)


def _chosen(config: Config, name: str | None) -> Sequence[Channel]:
    """Give the channels to test.

    Raises:
        ConfigError: there is none.
    """
    from canaryctl.core.errors import ConfigError

    channels = config.channels()
    if not channels:
        raise ConfigError(
            "no channels: there is nothing under `notify` in the configuration",
            next_step='add one: notify: [{name: team, to: "slack://…"}]; docs/notifications.md '
            "describes it",
        )
    chosen = [one for one in channels if name in (None, one.name)]
    if not chosen:
        known = ", ".join(one.name for one in channels)
        raise ConfigError(f"--channel {name!r}: there is no such channel; there are {known}")
    return chosen


def _tell(found: Sequence[Delivery]) -> None:
    width = max(len(one.channel) for one in found)
    for one in found:
        sign, how = ("✗", one.problem) if one.problem else ("✓", "delivered")
        typer.echo(f"{sign} {one.channel:<{width}}  {how} ({one.seconds:.1f} s)")
    failed = sum(bool(one.problem) for one in found)
    count = f"{len(found)} channel{'s' * (len(found) > 1)}"
    if failed:
        typer.echo(f"{failed} of {count} not reached; see the reason, and `to` in `notify`")
    else:
        typer.echo(f"{count} reached; see whether the message is where it should be")
