"""What every verb gets: the configuration, read when it is first needed."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

    from canaryctl.config.model import Config
    from canaryctl.wiring import Build


class Output(enum.StrEnum):
    """How a verb answers."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Context:
    """The options given before the verb."""

    config_path: Path | None = None

    def path(self) -> Path:
        """Give the configuration's file.

        Raises:
            ConfigError: there is none.
        """
        import os

        from canaryctl.config.load import find

        return find(self.config_path, os.environ)

    def has_config(self) -> bool:
        """Tell whether there is one."""
        from canaryctl.core.errors import ConfigError

        try:
            self.path()
        except ConfigError:
            return False
        return True

    @property
    def command(self) -> str:
        """How canaryctl was called, up to the verb: shown as what to type next."""
        import shlex

        given = self.config_path
        return f"canaryctl --config {shlex.quote(str(given))}" if given else "canaryctl"

    def config(self) -> Config:
        """Read and check the configuration.

        Raises:
            ConfigError: there is none, or it is wrong.
        """
        from canaryctl.config.load import load

        loaded: Config = load(self.path())
        return loaded

    def build(self) -> Build:
        """Bring the configuration to life.

        Raises:
            ConfigError: there is none, or it is wrong.
        """
        from canaryctl.wiring import Build

        return Build(self.config(), self.path().resolve().parent)


def context(ctx: typer.Context) -> Context:
    """Give the verb's context."""
    given = ctx.obj
    return given if isinstance(given, Context) else Context()
