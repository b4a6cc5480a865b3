r"""Text of others, such that each of its characters is seen.

A hook, a service or a metrics page says what it likes. In a terminal some of it would act: move
the cursor, change colours, begin a line that looks like one of ours. Such characters are written
out (``\x1b``). A backslash stays as it is, so text that was made visible once does not change.
"""

from __future__ import annotations

import unicodedata

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def visible(text: str, keep: str = "") -> str:
    """Write out every character that would act instead of being seen, except those to keep."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(one if one in keep else _shown(one) for one in text)


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return character.encode("unicode_escape").decode("ascii")
