"""Placeholders in a user's PromQL: ``{{ version }}``, ``{{ window }}`` and the like.

Only names from a fixed list are replaced, and what replaces them is escaped where it
lands inside a string, so no value can change the expression's shape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from canaryctl.core.selector import Matcher, Operator, quoted
from canaryctl.core.series import Version

_PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}")
NAMES = ("version", "release", "select", "window", "weight")


def placeholders(query: str) -> tuple[str, ...]:
    """Name what a query asks for, in order.

    Raises:
        ValueError: a name that does not exist.
    """
    found = tuple(_PLACEHOLDER.findall(query))
    for name in found:
        if name not in NAMES:
            known = ", ".join(f"{{{{ {known} }}}}" for known in NAMES)
            raise ValueError(f"unknown placeholder {{{{ {name} }}}}; there are {known}")
    return found


def rendered(
    query: str,
    *,
    version: Version,
    release: str,
    select: Mapping[str, str],
    window: float,
    weight: str,
) -> str:
    """Fill a query in.

    Args:
        query: the user's, with placeholders.
        version: stable or canary.
        release: the release being rolled out, such as v0.2.0.
        select: the version's labels; ``{{ select }}`` becomes ``version="canary"``.
        window: seconds since this weight was proven; ``{{ window }}`` becomes ``42s``.
        weight: the canary's percentage.
    """
    values = {
        "version": _inside_string(version.value),
        "release": _inside_string(release),
        "select": ",".join(str(Matcher(k, Operator.EQUAL, v)) for k, v in sorted(select.items())),
        "window": f"{max(1, round(window))}s",
        "weight": weight,
    }
    placeholders(query)
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], query)


def _inside_string(value: str) -> str:
    return quoted(value)[1:-1]
