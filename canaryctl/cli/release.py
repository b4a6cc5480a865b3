"""``canaryctl release``: a tag, a manifest of what belongs to it, an entry in the changelog."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Output, context

if TYPE_CHECKING:
    from canaryctl.releasing.survey import Release


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("release")(release)


def release(
    ctx: typer.Context,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Such as v0.2.0.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show and check everything, change nothing.")
    ] = False,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Make a release of what is checked out: the manifest, the changelog's entry, the tag."""
    from canaryctl.cli.flags import release_of
    from canaryctl.drivers.clock import SystemClock
    from canaryctl.releasing.make import make
    from canaryctl.releasing.survey import Survey

    name = release_of(version, "VERSION")
    given = context(ctx)
    config, base, clock = given.config(), given.path().resolve().parent, SystemClock()
    found = Survey(base, name, config.checks, clock)()
    there = found.is_there
    if not dry_run and not there:
        make(found, base, clock)
    if output is Output.JSON:
        typer.echo(json.dumps(_object(found, dry_run=dry_run)))
        return
    for line in _dry(found) if dry_run and not there else _lines(found, given.command):
        typer.echo(line)


def _lines(found: Release, command: str) -> list[str]:
    from canaryctl.drivers.git import short

    if found.is_there:
        said = f"{found.version} is there already: the tag on {short(found.commit)} and all "
        return [f"{said}{len(found.manifest.artifacts)} files of {found.path} are as they were"]
    lines = [f"RELEASED  {found.version} at {short(found.commit)}"]
    many = len(found.manifest.artifacts)
    if found.write_manifest or found.message:
        lines.append(f"  manifest   {found.path}: {many} files, {found.manifest.size}")
    if found.new_changelog is not None:
        lines.append(f"  changelog  {found.changelog}: a stub, for you to edit")
    if found.message:
        lines.append(f"  tag        {found.version}, annotated, with the manifest's SHA-256")
    if found.untracked:
        lines.append(f"  untracked  {found.untracked} files that are in no commit")
    lines.append(f"  next       edit {found.changelog}, commit it and {found.path},")
    lines.append(f"             `git push origin HEAD {found.version}`,")
    lines.append(f"             `{command} check --version {found.version}`")
    return lines


def _dry(found: Release) -> list[str]:
    from canaryctl.drivers.git import short

    lines = [f"DRY RUN: {found.version} at {short(found.commit)}; nothing is changed"]
    if found.write_manifest:
        lines += ["", f"{found.path}:", found.text.rstrip("\n")]
    if found.new_entry:
        lines += ["", f"{found.changelog}, new entry:", found.new_entry.rstrip("\n")]
    if found.message:
        lines += ["", f"tag {found.version}:", found.message.rstrip("\n")]
    if found.untracked:
        lines += ["", f"{found.untracked} untracked files are no part of it"]
    return lines


def _object(found: Release, *, dry_run: bool) -> dict[str, object]:
    return {
        "event": "release",
        "version": found.version,
        "commit": found.commit,
        "dry_run": dry_run,
        "already_there": found.is_there,
        "manifest": {"path": found.path, "written": found.write_manifest},
        "artifacts": [
            {"path": one.path, "size": one.size, "sha256": one.sha256}
            for one in found.manifest.artifacts
        ],
        "changelog": {"path": found.changelog, "entry": found.new_entry},
        "tag": {"name": found.version, "made": bool(found.message), "message": found.message},
    }
