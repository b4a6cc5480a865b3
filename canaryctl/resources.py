"""The files shipped with canaryctl: NGINX's configuration and the Compose stack."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Find ``nginx/…`` or ``compose/…``: inside the installed package, else in the checkout."""
    installed = _PACKAGE / "_shipped" / name
    return installed if installed.exists() else _PACKAGE.parent / name
