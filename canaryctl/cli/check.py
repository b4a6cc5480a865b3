"""``canaryctl check``: is everything there that a rollout of this version needs?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Output, context

if TYPE_CHECKING:
    from canaryctl.checking.finding import Finding, Said, Status
    from canaryctl.checking.suite import Suite
    from canaryctl.ports import InForce
    from canaryctl.wiring import Build

_FAILED = 4


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("check")(check)


def check(
    ctx: typer.Context,
    version: Annotated[str, typer.Option("--version", help="The release, such as v0.2.0.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Warnings and what nobody can tell fail as well.")
    ] = False,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Check the release before it is rolled out: tag, migrations, secrets, artifacts, runbook."""
    from canaryctl.checking.finding import Status
    from canaryctl.cli.flags import release_of

    release = release_of(version)
    build = context(ctx).build()
    suite = _suite(build, release)
    bad = {Status.FAIL, Status.WARN, Status.UNKNOWN} if strict else {Status.FAIL}
    found = _shown(suite, release, build.config.service, quiet=output is Output.JSON)
    failed = any(one.status in bad for one in found)
    _summarised(found, bad, f"check of {build.config.service} {release}", passed=not failed)
    if output is Output.JSON:
        typer.echo(json.dumps(_object(found, release, strict=strict, failed=failed)))
    else:
        typer.echo(f"\n{_summary(found, release, strict=strict, failed=failed)}")
    if failed:
        raise typer.Exit(_FAILED)


def _suite(build: Build, release: str) -> Suite:
    from canaryctl.checking.assemble import suite
    from canaryctl.checking.scene import Given, Scene

    def in_force() -> InForce:
        return build.router.look()

    scene = Scene(build.base, release, build.clock)
    given = Given(lambda: build.metrics, in_force, lambda: _notified(build))
    return suite(scene, build.config.checks, given)


def _notified(build: Build) -> Said:
    """Send a test message to every channel; say which it did not reach."""
    from canaryctl.checking.finding import failed, passed
    from canaryctl.core.notice import trial
    from canaryctl.drivers.notifier import tried
    from canaryctl.wiring import owner

    channels = build.config.channels()
    if not channels:
        return failed("there is nothing under `notify`", "add a channel, see docs/notifications.md")
    found = tried(channels, trial(build.config.service, f"{owner()} with `check`"), build.clock)
    missed = [f"{one.channel}: {one.problem}" for one in found if one.problem]
    if missed:
        return failed("; ".join(missed), "see `to` in `notify`; `canaryctl notify test`")
    return passed(f"a test message reached {', '.join(one.channel for one in found)}")


def _summarised(
    found: Sequence[Finding], bad: AbstractSet[Status], title: str, *, passed: bool
) -> None:
    from canaryctl.cli.job_summary import told

    rows = [(one.status.sign, one.name, one.reason) for one in found]
    problems = [f"{one.name}: {one.reason}" for one in found if one.status in bad]
    told(title, rows, problems, passed=passed)


def _shown(suite: Suite, release: str, service: str, *, quiet: bool) -> list[Finding]:
    """Run them; say each as soon as it and all before it are known."""
    width = max(len(one.name) for one in suite.checks)
    if not quiet:
        typer.echo(f"CHECK  {service} {release}: {len(suite.checks)} checks\n")
    found = []
    for one in suite.run():
        found.append(one)
        if not quiet:
            for line in _lines(one, width):
                typer.echo(line)
    return found


def _lines(one: Finding, width: int) -> list[str]:
    """Write a finding: its problems below each other, each with what to do next."""
    time = "" if one.status.value == "off" else f"{one.seconds:.1f} s"
    head = f"  {one.status.sign} {one.name:<{width}}  {time:>7}  "
    indent = " " * len(head)
    parts = [(part.reason, part.mend) for part in one.parts] or [(one.reason, one.mend)]
    lines: list[str] = []
    for index, (reason, mend) in enumerate(parts):
        lines.append(f"{indent if lines else head}{reason}")
        same = index + 1 < len(parts) and parts[index + 1][1] == mend
        if mend and not same:
            lines.append(f"{indent}next: {mend}")
    return lines


def _summary(found: Sequence[Finding], release: str, *, strict: bool, failed: bool) -> str:
    words = {
        "pass": "passed",
        "fail": "failed",
        "warn": "with a warning",
        "unknown": "unknown",
        "off": "off",
    }
    counts = [
        f"{number} {words[status]}"
        for status in words
        if (number := sum(one.status.value == status for one in found))
    ]
    only = failed and not any(one.status.value == "fail" for one in found)
    because = "; with --strict these fail as well" if only and strict else ""
    return f"{'FAILED' if failed else 'PASSED'}  {release}: {', '.join(counts)}{because}"


def _object(
    found: Sequence[Finding], release: str, *, strict: bool, failed: bool
) -> dict[str, object]:
    return {
        "event": "check",
        "version": release,
        "strict": strict,
        "passed": not failed,
        "checks": [
            {
                "name": one.name,
                "status": one.status.value,
                "reason": one.reason,
                "next_step": one.mend,
                "seconds": round(one.seconds, 3),
                "problems": [
                    {"status": part.status.value, "reason": part.reason, "next_step": part.mend}
                    for part in one.parts
                ],
            }
            for one in found
        ],
    }
