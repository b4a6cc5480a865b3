"""What one attempt of a guard failed of. It goes on also where nobody foresaw it."""

from __future__ import annotations

import traceback

from canaryctl.core.errors import CanaryctlError
from canaryctl.core.redaction import SECRETS


def summary(error: Exception) -> str:
    """Say it in a sentence."""
    if isinstance(error, CanaryctlError):
        return str(error)
    return SECRETS.hide(f"unforeseen: {type(error).__name__}: {error}")


def told(error: Exception) -> str:
    """Say it as a log has it: what nobody foresaw is a defect, so with its traceback."""
    if isinstance(error, CanaryctlError):
        return str(error)
    lines = "".join(traceback.format_exception(error)).rstrip()
    return f"{summary(error)}; please report the lines below\n{SECRETS.hide(lines)}"
