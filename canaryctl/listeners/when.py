"""Epoch seconds as people and machines read them. Converts; never asks what time it is."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def moment(at: float, zone: tzinfo | None = None) -> datetime:
    """Give the moment in a time zone; None is this machine's own."""
    return datetime.fromtimestamp(at, tz=UTC).astimezone(zone)


def hms(at: float, zone: tzinfo | None = None) -> str:
    """Write ``02:13:07``."""
    return moment(at, zone).strftime("%H:%M:%S")


def day(at: float, zone: tzinfo | None = None) -> str:
    """Write ``2025-06-30 02:13:07 +0200``: said once, so that the times after it are clear."""
    return moment(at, zone).strftime("%Y-%m-%d %H:%M:%S %z")


def iso(at: float) -> str:
    """Write ISO 8601 in UTC with milliseconds: ``2025-06-30T00:13:07.250Z``."""
    written = moment(at, UTC).isoformat(timespec="milliseconds")
    return written.removesuffix("+00:00") + "Z"
