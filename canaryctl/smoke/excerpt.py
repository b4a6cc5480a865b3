"""What a service answered, as it may be shown: one bounded line, without secrets."""

from __future__ import annotations

import json
from typing import Any

from canaryctl.config.secrets import is_secret
from canaryctl.core.redaction import MASK, SECRETS
from canaryctl.core.visible import visible

LONGEST = 160
"""Characters of an excerpt."""
_LOOKED_AT = 20_000
"""Characters in which secrets are looked for: far more than are shown."""


def of_value(value: Any, longest: int = LONGEST) -> str:
    """Show a JSON value. What stands under a key that is called a secret is masked."""
    try:
        return of_text(json.dumps(_masked(value), ensure_ascii=False), longest)
    except RecursionError:
        return "a value nested too deeply to be shown"


def of_body(body: bytes, longest: int = LONGEST) -> str:
    """Show the beginning of an answer's body, as JSON where it is JSON."""
    if not body:
        return "an empty body"
    try:
        return of_value(json.loads(body), longest)
    except (ValueError, RecursionError):
        return of_text(body[: 4 * _LOOKED_AT].decode("utf-8", "replace"), longest)


def of_text(text: str, longest: int = LONGEST) -> str:
    """Show the beginning of a text in one line."""
    # Hidden before it is cut: half a secret would not be known any more.
    hidden = SECRETS.hide(text[:_LOOKED_AT])
    line = " ".join(visible(hidden[: 4 * longest], keep="\t\r\n").split())
    return line if len(line) <= longest and len(hidden) <= 4 * longest else f"{line[:longest]}…"


def _masked(value: Any) -> Any:
    match value:
        case dict():
            return {
                key: MASK if is_secret((key,)) and isinstance(one, str) else _masked(one)
                for key, one in value.items()
            }
        case list():
            return [_masked(one) for one in value]
    return value
