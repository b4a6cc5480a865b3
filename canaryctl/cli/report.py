"""``canaryctl report``: a rollout as a page for a ticket, or as Markdown for a pull request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from canaryctl.cli.context import Output

if TYPE_CHECKING:
    from canaryctl.reporting.facts import Facts
    from canaryctl.reporting.page import Made


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("report")(report)


def report(
    entry: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Of `history`, a beginning will do; else the last."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write one page that needs nothing else."),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Write Markdown, to stdout unless --to is given.")
    ] = False,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Write the Markdown there.")
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Report on a rollout from the journal: what happened, on what numbers, and why."""
    from canaryctl.core.errors import ConfigError
    from canaryctl.reporting.read import report_of

    if html is None and not markdown and to is None and output is Output.TEXT:
        raise ConfigError("nothing to write: --html FILE, --markdown, or both")
    for flag, file in (("--html", html), ("--to", to)):
        if str(file) == "-":
            raise ConfigError(f"{flag} -: name a file; --markdown alone writes to stdout")
    if html is not None and to is not None and html.resolve() == to.resolve():
        raise ConfigError(f"--html and --to are the same file, {to}")
    facts = report_of(entry)
    done = _written(facts, html, to, markdown=markdown, output=output)
    if output is Output.JSON:
        typer.echo(json.dumps(done))


def _written(
    facts: Facts, html: Path | None, to: Path | None, *, markdown: bool, output: Output
) -> dict[str, Any]:
    """Write what was asked for, and give what ``--output json`` shows."""
    done: dict[str, Any] = {
        "event": "report",
        "rollout": facts.id,
        "service": facts.service,
        "version": facts.release,
        "outcome": facts.outcome,
        "reason": facts.reason,
        "weight": facts.weight,
        "exit_code": facts.exit_code,
        "lacks": list(facts.lacks),
    }
    files: dict[str, tuple[Path, str]] = {}
    if html is not None:
        from canaryctl.reporting.page import page

        files["html"] = html, page(facts, _made())
    if to is not None:
        from canaryctl.reporting.markdown import markdown as as_markdown

        files["markdown"] = to, as_markdown(facts)
    if files:
        from canaryctl.reporting.file import write

        sizes = write(dict(files.values()))
        for key, (path, _) in files.items():
            done[key] = {"file": str(path), "bytes": sizes[path]}
            typer.echo(_told(path, sizes[path], facts), err=True)
    if markdown and to is None:
        from canaryctl.reporting.markdown import markdown as as_markdown

        text = as_markdown(facts)
        if output is Output.JSON:
            done["markdown"] = {"text": text}
        else:
            typer.echo(text, nl=False)
    return done


def _told(path: Path, size: int, facts: Facts) -> str:
    return f"{path}: {max(size // 1000, 1)} kB on {facts.id} ({facts.service} {facts.release})"


def _made() -> Made:
    from canaryctl import __version__
    from canaryctl.drivers.clock import SystemClock
    from canaryctl.reporting.page import Made

    return Made(f"canaryctl {__version__}", SystemClock().now())
