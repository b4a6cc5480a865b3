"""What can be asked of a running rollout, from any terminal that reaches its gateway."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Output, context

if TYPE_CHECKING:
    from canaryctl.core.control import Answer, Request, Verb
    from canaryctl.wiring import Build

WITHIN = 20.0
"""Seconds to wait for an answer: what the rollout does just now is finished first."""
_POLL = 0.2
_LOOK = 1.0
"""Seconds between two looks whether the rollout is still there."""
_TAKEN = 3.0
"""Seconds for the answer to a request that the rollout had read just before it was withdrawn."""

Reason = Annotated[str, typer.Option(help="Why; kept with the event.")]
Shown = Annotated[Output, typer.Option("--output", "-o")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("pause")(pause)
    app.command("continue")(continue_)
    app.command("advance")(advance)
    app.command("hold")(hold)
    app.command("abort")(abort)
    app.command("approve")(approve)


def pause(ctx: typer.Context, reason: Reason = "", output: Shown = Output.TEXT) -> None:
    """Stop the present stage's time. Its gates are still judged, and may throw the canary back."""
    from canaryctl.core.control import Verb

    _asked(ctx, Verb.PAUSE, reason, output)


def continue_(ctx: typer.Context, reason: Reason = "", output: Shown = Output.TEXT) -> None:
    """Go on after a pause, a hold, or a stage that waits for this word."""
    from canaryctl.core.control import Verb

    _asked(ctx, Verb.CONTINUE, reason, output)


def advance(ctx: typer.Context, reason: Reason = "", output: Shown = Output.TEXT) -> None:
    """Skip the rest of the present stage. Not an approval."""
    from canaryctl.core.control import Verb

    _asked(ctx, Verb.ADVANCE, reason, output)


def hold(ctx: typer.Context, reason: Reason = "", output: Shown = Output.TEXT) -> None:
    """Let the present stage run, and stay at its weight when its time is up."""
    from canaryctl.core.control import Verb

    _asked(ctx, Verb.HOLD, reason, output)


def abort(ctx: typer.Context, reason: Reason = "", output: Shown = Output.TEXT) -> None:
    """End the running rollout: back to 0 %, proven. Without one, use `rollback`."""
    from canaryctl.core.control import Verb

    _asked(ctx, Verb.ABORT, reason, output)


def approve(
    ctx: typer.Context,
    role: Annotated[str, typer.Option("--as", help="As whom: a role that the stage names.")],
    reason: Reason = "",
    output: Shown = Output.TEXT,
) -> None:
    """Approve the next stage, as one of the roles that it waits for."""
    from canaryctl.cli.flags import sentence
    from canaryctl.core.control import Verb

    _asked(ctx, Verb.APPROVE, reason, output, sentence("--as", role))


def _asked(ctx: typer.Context, verb: Verb, reason: str, output: Output, role: str = "") -> None:
    from canaryctl.cli.flags import sentence

    why = sentence("--reason", reason)
    answer = ask(context(ctx).build(), verb, why, role)
    if output is Output.JSON:
        said = {"event": "control", "verb": verb, "accepted": answer.accepted, "said": answer.said}
        typer.echo(json.dumps(said))
    elif answer.accepted:
        typer.echo(answer.said)
    else:
        typer.echo(f"canaryctl: {answer.said}", err=True)
    if not answer.accepted:
        raise typer.Exit(4)


def ask(build: Build, verb: Verb, why: str, role: str = "") -> Answer:
    """Leave a request at the gateway, and wait for the rollout's answer.

    One that is not answered in time is withdrawn: whoever repeats it would have it done twice.
    An abort stays, since whoever asks for it wants it whenever it is heard.

    Raises:
        NoRollout: none runs, or it does not answer.
    """
    import os

    from canaryctl.core.control import Request, Verb
    from canaryctl.core.errors import NoRollout
    from canaryctl.wiring import owner

    found = build.lease.look()
    if found.lease is None or found.left <= 0:
        ended = found.lease is not None
        raise NoRollout(
            "no rollout runs at this gateway"
            + (f": rollout {found.lease.rollout} was abandoned" if found.lease else ""),
            next_step="`canaryctl recover` brings it into a proven state"
            if ended
            else "`canaryctl status` tells what is in force",
        )
    lease = found.lease
    who = owner().rpartition(":")[0]
    request = Request(os.urandom(6).hex(), lease.rollout, verb, who, why, role)
    build.desk.ask(request)
    deadline = build.clock.now() + WITHIN
    looked, gone = build.clock.now(), False
    while (now := build.clock.now()) < deadline:
        if (answer := build.desk.read().answers.get(request.id)) is not None:
            return answer
        if gone:
            raise NoRollout(
                f"rollout {lease.rollout} ended before it could answer ({verb})",
                next_step="`canaryctl status` tells what is in force",
            )
        if now >= looked + _LOOK:
            looked, there = now, build.lease.look().lease
            gone = there is None or there.rollout != lease.rollout
        else:
            build.clock.sleep(_POLL)
    silent = f"rollout {lease.rollout} of {lease.owner} did not answer within {WITHIN:g} s ({verb})"
    if verb is Verb.ABORT:
        raise NoRollout(
            f"{silent}; the request stays, and is done as soon as the rollout hears it",
            next_step="`canaryctl rollback` sets 0 % now and needs nobody's answer; "
            "`canaryctl status` tells whether the rollout lives",
        )
    return _withdrawn(build, request, silent)


def _withdrawn(build: Build, request: Request, silent: str) -> Answer:
    """Take a request back; its answer, when the rollout had taken it in that moment.

    Raises:
        NoRollout: it is withdrawn, or cannot be.
    """
    from canaryctl.core.errors import HostError, NoRollout

    try:
        build.desk.withdraw(request)
        until = build.clock.now() + _TAKEN
        while build.clock.now() < until:
            if (answer := build.desk.read().answers.get(request.id)) is not None:
                return answer
            build.clock.sleep(_POLL)
    except HostError as error:
        raise NoRollout(
            f"{silent}, and whether the request is withdrawn is not known: {error}",
            next_step="it may still be done; `canaryctl status` tells what is in force",
        ) from error
    raise NoRollout(
        f"{silent}; the request was withdrawn, and nothing was changed",
        next_step="ask again; `canaryctl status` tells whether the rollout lives, `canaryctl "
        "rollback` needs nobody's answer",
    )
