"""``canaryctl smoke-test``: what a version has to answer, log and expose, asked right now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Context, Output, context

if TYPE_CHECKING:
    from canaryctl.config.model import Config
    from canaryctl.smoke.result import Result, StepResult
    from canaryctl.smoke.suite import Suite
    from canaryctl.smoke.target import Target

_FAILED = 4


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("smoke-test")(smoke_test)


def smoke_test(
    ctx: typer.Context,
    url: Annotated[
        str | None, typer.Argument(help="Where it answers; needs no canary.yaml.")
    ] = None,
    canary: Annotated[
        bool, typer.Option("--canary", help="The canary of canary.yaml (default).")
    ] = False,
    stable: Annotated[bool, typer.Option("--stable", help="The stable version.")] = False,
    suite_file: Annotated[
        Path | None,
        typer.Option("--suite", help="The suite; else smoke.suite, else the shipped one."),
    ] = None,
    container: Annotated[
        list[str] | None, typer.Option(help="Read this container's log; may be repeated.")
    ] = None,
    log_file: Annotated[
        list[Path] | None, typer.Option(help="Read this log file; may be repeated.")
    ] = None,
    skip_logs: Annotated[
        bool, typer.Option("--skip-logs", help="Leave out the steps that look into a log.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print the suite and end: to start your own.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write JUnit XML there as well.")
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Test the canary, the stable version, or a URL with a suite of requests, logs and metrics.

    Ends 0 when all passed, 4 when a step failed, 2 when the suite or a flag is wrong.
    """
    asked = _Asked(
        context(ctx), url, canary, stable, suite_file, tuple(container or ()), tuple(log_file or ())
    )
    asked.check()
    if show:
        _show(asked, output)
        return
    if junit is not None:
        _writable(junit)
    suite, target = asked.found()
    result = _run(suite, target, skip_logs=skip_logs, output=output)
    if output is Output.JSON:
        from canaryctl.smoke.record import record

        typer.echo(json.dumps(record(result)))
    _summarised(result)
    written = junit is None or _write(junit, result)
    if not result.passed:
        raise typer.Exit(_FAILED)
    if not written:
        raise typer.Exit(2)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The flags, as far as they say what is tested."""

    given: Context
    url: str | None
    canary: bool
    stable: bool
    suite_file: Path | None
    containers: tuple[str, ...]
    files: tuple[Path, ...]

    def check(self) -> None:
        """Refuse flags that contradict each other.

        Raises:
            ConfigError: they do.
        """
        from canaryctl.core.errors import ConfigError

        named = [
            name
            for name, given in (
                ("--canary", self.canary),
                ("--stable", self.stable),
                ("a URL", self.url is not None),
            )
            if given
        ]
        if len(named) > 1:
            raise ConfigError(f"{' and '.join(named)}: one of them is tested; give one")

    def config(self) -> Config | None:
        """Read canary.yaml; with a URL only one that --config names: others are not meant."""
        if self.url is not None and self.given.config_path is None:
            return None
        return self.given.config()

    def suite_path(self, config: Config | None) -> Path | None:
        """Give the suite's file; None: the shipped one."""
        from canaryctl.smoke.configured import suite_file

        if self.suite_file is not None or config is None:
            return self.suite_file
        return suite_file(config, self.given.path().resolve().parent)

    def found(self) -> tuple[Suite, Target]:
        """Read what is expected, and of whom.

        Raises:
            ConfigError: canary.yaml or the suite is wrong.
        """
        from canaryctl.core.redaction import without_login
        from canaryctl.core.series import Version
        from canaryctl.smoke.configured import configured_target, log_source
        from canaryctl.smoke.load import load_suite
        from canaryctl.smoke.target import Target

        config = self.config()
        suite = load_suite(self.suite_path(config))
        if config is None and self.url is not None:
            named = self.containers or (() if self.files else suite.containers)
            return suite, Target(
                without_login(self.url), self.url, log_source(None, named, self.files)
            )
        assert config is not None  # noqa: S101  without a URL there is one
        target = configured_target(
            config,
            self.given.path().resolve().parent,
            Version.STABLE if self.stable else Version.CANARY,
            suite,
            containers=self.containers,
            files=self.files,
            url=self.url,
        )
        return suite, target


def _run(suite: Suite, target: Target, *, skip_logs: bool, output: Output) -> Result:
    from canaryctl.drivers.clock import SystemClock
    from canaryctl.listeners.line import clean
    from canaryctl.smoke.run import run_suite
    from canaryctl.smoke.service import address_of
    from canaryctl.smoke.text import Lines

    lines = Lines(suite)
    to_stderr = output is Output.JSON

    def tell(step: StepResult) -> None:
        for one in lines.step(step):
            typer.echo(clean(one), err=to_stderr)

    shown = address_of(target.url).display.rstrip("/")
    head = lines.head(shown if "://" in target.name else target.name, shown)
    typer.echo(clean(head), err=to_stderr)
    result = run_suite(suite, target, SystemClock(), tell, skip_logs=skip_logs)
    typer.echo(clean(lines.end(result)), err=to_stderr)
    return result


def _summarised(result: Result) -> None:
    from canaryctl.cli.job_summary import told
    from canaryctl.smoke.result import Outcome

    rows = [(step.outcome.value.upper(), step.name, step.detail) for step in result.steps]
    problems = [f"{step.name}: {step.detail}" for step in result.of(Outcome.FAILED)]
    told(f"smoke test of {result.target}", rows, problems, passed=result.passed)


def _show(asked: _Asked, output: Output) -> None:
    from canaryctl.config.document import text_of
    from canaryctl.core.errors import ConfigError
    from canaryctl.smoke.load import load_suite, shipped_suite

    try:
        path = asked.suite_path(asked.config())
    except ConfigError:
        if asked.given.config_path is not None or asked.given.has_config():
            raise
        path = None  # no canary.yaml yet: the shipped one is what is asked for
    load_suite(path)  # its secrets are known before it is shown
    file = path or shipped_suite()
    text = text_of(file)
    if output is Output.JSON:
        typer.echo(json.dumps({"event": "suite", "file": str(file), "text": text}))
        return
    typer.echo(text, nl=not text.endswith("\n"))


def _writable(path: Path) -> None:
    """See to it before anything is asked that the report has a place."""
    from canaryctl.core.errors import ConfigError

    if path.is_dir() or not path.parent.is_dir():
        why = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise ConfigError(f"--junit {path}: {why}; nothing was tested")


def _write(path: Path, result: Result) -> bool:
    from canaryctl.smoke.junit import junit

    try:
        path.write_text(junit(result), encoding="utf-8")
    except OSError as error:
        typer.echo(f"canaryctl: --junit {path} cannot be written: {error}", err=True)
        return False
    return True
