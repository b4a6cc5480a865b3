"""How the program ends: the message, the exit code, and what stdout did not take."""

from __future__ import annotations

import errno
import json
import sys
from typing import cast

import typer

from canaryctl.cli import streams
from canaryctl.core.errors import CanaryctlError, ConfigError

USAGE = cast(
    "type[Exception]",
    next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"),
)
"""What click raises for a wrong command line; typer has it under a name of its own."""
ACTS = {
    *("rollout", "promote", "resume", "retry", "demo"),
    *("pause", "continue", "advance", "hold", "abort", "approve"),
    *("rollback", "recover", "guard", "release", "init"),
}
"""Verbs whose exit code is about what they did. That of the others is about what they show."""


def wants_json(arguments: list[str]) -> bool:
    """Tell whether stdout is a program's to read."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=False)
    return any(
        a in ("--output=json", "-ojson") or (a in ("--output", "-o") and b == "json")
        for a, b in pairs
    )


def acts(arguments: list[str]) -> bool:
    """Tell whether something is done, beyond showing; ``--config FILE`` stands before the verb."""
    left = list(arguments)
    while left and left[0].startswith("-"):
        del left[: 2 if left[0] == "--config" else 1]
    verb, rest = (left[0], left[1:]) if left else ("", [])
    if verb in ("weights", "notify"):
        return any(word in ("set", "test") for word in rest)
    return verb in ACTS and "--dry-run" not in rest


def report(error: CanaryctlError, *, as_json: bool) -> None:
    """Tell an error and what to do about it."""
    typer.echo(f"canaryctl: {error}", err=True)
    if error.next_step:
        typer.echo(f"  next: {error.next_step}", err=True)
    from canaryctl.cli.ci_run import annotate

    whole = f"{error}; next: {error.next_step}" if error.next_step else str(error)
    annotate(f"canaryctl ended with {error.exit_code}", whole)
    if as_json:
        _say(type(error).__name__, str(error), error.next_step, error.exit_code)


def report_usage(error: Exception, *, as_json: bool) -> None:
    """Tell what is wrong with the command line, as click words it; see ``USAGE``."""
    shown = cast("typer.BadParameter", error)
    shown.show()
    if as_json:
        command = shown.ctx.command_path if shown.ctx else "canaryctl"
        next_step = f"see `{command} --help`"
        _say("UsageError", shown.format_message(), next_step, ConfigError.exit_code)


def _say(kind: str, message: str, next_step: str, exit_code: int) -> None:
    said = {
        "event": "error",
        "error": kind,
        "message": message,
        "next_step": next_step,
        "exit_code": exit_code,
    }
    typer.echo(json.dumps(said))


def flushed(code: int, arguments: list[str]) -> int:
    """Write out what is left, and give the exit code.

    What was done keeps its own, whether or not it could be said. What was only to be shown
    and was not ends with that of wrong usage. Who has stopped reading (``| head``) wanted
    no more: nothing is told, no code is changed.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    lost = streams.lost()
    if lost is None or lost.errno == errno.EPIPE:
        return code
    typer.echo(f"canaryctl: stdout cannot be written: {lost.strerror or lost}", err=True)
    return code if code or acts(arguments) else ConfigError.exit_code
