"""``canaryctl init``: look around, write a ``canary.yaml``, say what to do then."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from canaryctl.cli.context import Output, context


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("init")(init)


def init(
    ctx: typer.Context,
    output_file: Annotated[
        Path | None, typer.Option("--output-file", help="Where to write; else canary.yaml.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Find NGINX and the services, and write a commented canary.yaml. Touches no traffic."""
    from canaryctl.cli.init_choice import choose
    from canaryctl.cli.init_find import look_around
    from canaryctl.cli.init_steps import steps_to_take
    from canaryctl.cli.init_tell import found_lines, step_lines, warnings
    from canaryctl.cli.init_write import canary_yaml
    from canaryctl.config import loads

    path = output_file or context(ctx).config_path or Path("canary.yaml")
    if not force:
        _refuse_to_overwrite(path)
    directory = Path.cwd()
    found = look_around(directory, os.environ)
    choice = choose(found, directory.name)
    text = canary_yaml(choice)
    loads(text, str(path), {})
    _write(path, text, force=force)
    steps = steps_to_take(choice, path)
    if output is Output.JSON:
        said = {
            "event": "init",
            "file": str(path),
            "gateway": choice.nginx.name if choice.nginx else None,
            "stable": choice.stable.address if choice.stable else None,
            "canary": choice.canary.address if choice.canary else None,
            "notes": [*found.notes, *warnings(choice)],
            "steps": [asdict(step) for step in steps],
        }
        typer.echo(json.dumps(said))
        return
    typer.echo(f"wrote {path}; every key in it is explained")
    for line in found_lines(found, choice):
        typer.echo(line)
    typer.echo("")
    for line in step_lines(steps):
        typer.echo(line)


def _refuse_to_overwrite(path: Path) -> None:
    from canaryctl.core.errors import ConfigError

    if os.path.lexists(path):
        raise ConfigError(
            f"{path} is there already, and was left as it is",
            next_step="--force overwrites it; --output-file FILE writes another one",
        )


def _write(path: Path, text: str, *, force: bool) -> None:
    from canaryctl.core.errors import ConfigError

    try:
        # "x" fails on a file that came into being meanwhile.
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        _refuse_to_overwrite(path)
        raise
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}",
            next_step="--output-file FILE names another place",
        ) from error
