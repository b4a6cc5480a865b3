"""What is secret in the environment file: containers are given it, and may print it."""

from __future__ import annotations

import contextlib

from canaryctl.config.secrets import called_secret
from canaryctl.core.errors import CanaryctlError
from canaryctl.drivers.env_file import EnvFile


def secrets_in(env: EnvFile, *versions: str) -> tuple[str, ...]:
    """Give the values of the variables that are called secrets.

    A file that cannot be read has none: that it cannot, whoever needs it says.

    Args:
        env: the file.
        versions: variables that hold a version, whatever they are called: messages have to say it.
    """
    with contextlib.suppress(CanaryctlError):
        values = env.values()
        return tuple(
            value for name, value in values.items() if called_secret(name) and name not in versions
        )
    return ()
