"""An answer's body as JSON, and why it is none."""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn


class NoJsonError(ValueError):
    """It cannot be read as JSON; says why, or nothing where a look at it says more."""


def document_of(body: bytes) -> Any:
    """Read a body.

    Raises:
        NoJsonError: it is no JSON, or none that can be read here.
    """
    try:
        return json.loads(body, parse_constant=_refused)
    except RecursionError:
        raise NoJsonError("nested too deep to be read") from None
    except json.JSONDecodeError:
        raise NoJsonError from None
    except UnicodeDecodeError:
        raise NoJsonError("bytes that are no text") from None
    except NoJsonError:
        raise
    except ValueError:
        # All that is left: Python reads no longer number, because that takes its square in time.
        most = sys.get_int_max_str_digits()
        raise NoJsonError(f"a number of more than {most} digits") from None


def _refused(word: str) -> NoReturn:
    raise NoJsonError(f"{word} is no JSON")
