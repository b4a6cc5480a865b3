"""The Typer app: options before the verb, messages, exit codes."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from canaryctl.cli import (
    analyze,
    check,
    config,
    control,
    demo,
    guard,
    history,
    init,
    notify,
    promote,
    recover,
    redacted,
    release,
    replay,
    report,
    resume,
    rollback,
    rollout,
    schema,
    simulate,
    smoke_test,
    status,
    streams,
    weights,
)
from canaryctl.cli.context import Context
from canaryctl.cli.ending import USAGE, flushed, report_usage, wants_json
from canaryctl.cli.ending import report as report_error
from canaryctl.core.errors import CanaryctlError, ConfigError

EPILOG = (
    "Exit codes: 0 done · 1 a gate failed or the metrics were lost, traffic is back on stable · "
    "2 usage or configuration · 3 traffic not proven, a person must look · 4 a check failed, "
    "no traffic was shifted · 5 another rollout holds this gateway · 130 interrupted, traffic "
    "is back on stable. --config FILE may stand before or after the verb."
)

app = typer.Typer(
    name="canaryctl",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=EPILOG,
)
for verb in (
    rollout,
    promote,
    control,
    rollback,
    resume,
    recover,
    guard,
    weights,
    status,
    analyze,
    simulate,
    smoke_test,
    check,
    release,
    history,
    replay,
    report,
    notify,
    config,
    schema,
    init,
    demo,
):
    verb.register(app)


def _version(asked: bool) -> None:
    if asked:
        from canaryctl import __version__

        typer.echo(f"canaryctl {__version__}")
        raise typer.Exit


@app.callback(epilog=EPILOG)
def options(
    ctx: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="canary.yaml; else $CANARYCTL_CONFIG, else ./canary.yaml."),
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Canary rollouts for Docker behind NGINX: staged, judged, proven, and back when in doubt."""
    ctx.obj = Context(config_file)


class Stopped(CanaryctlError):
    """Ctrl-C outside a rollout."""

    exit_code = 130


def _stopped(number: int, _: FrameType | None) -> None:
    raise Stopped(f"stopped by {signal.Signals(number).name}")


def hoisted(arguments: list[str]) -> list[str]:
    """Move ``--config FILE`` before the verb, wherever it was given."""
    front: list[str] = []
    rest: list[str] = []
    left = list(arguments)
    while left:
        word = left.pop(0)
        if word == "--":
            rest += [word, *left]
            break
        if word == "--config" and left:
            front += [word, left.pop(0)]
        elif word.startswith("--config="):
            front.append(word)
        else:
            rest.append(word)
    return front + rest


def main() -> None:
    """Run the command line and end with its exit code."""
    signal.signal(signal.SIGINT, _stopped)
    signal.signal(signal.SIGTERM, _stopped)
    signal.signal(signal.SIGHUP, _stopped)
    streams.install()
    redacted.install()
    arguments = hoisted(sys.argv[1:])
    code = 0
    try:
        ended = app(args=arguments, prog_name="canaryctl", standalone_mode=False)
        code = ended if isinstance(ended, int) else 0
    except CanaryctlError as error:
        code = error.exit_code
        report_error(error, as_json=wants_json(arguments))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except typer.Abort:  # the end of what is typed, at a question
        code = 1
        typer.echo("Aborted!", err=True)
    except USAGE as error:
        code = ConfigError.exit_code
        report_usage(error, as_json=wants_json(arguments))
    except Exception as error:  # noqa: BLE001  a defect: 1 would say that a gate has failed
        code = CanaryctlError.exit_code
        typer.echo(redacted.traceback_of(error), err=True, nl=False)
        said = f"unforeseen: {type(error).__name__}: {error}"
        next_step = "see `canaryctl status` for what is in force, and report the lines above"
        report_error(CanaryctlError(said, next_step=next_step), as_json=wants_json(arguments))
    sys.exit(flushed(code, arguments))
