"""NGINX's own reading of a configuration: words, blocks, comments. Knows no directive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_BLANK = " \t\r\n"


class NotNginxError(ValueError):
    """NGINX would refuse the text as such."""


@dataclass(slots=True)
class Directive:
    """A name, its arguments, and what its braces hold (None: it ends with a semicolon)."""

    words: list[str]
    block: list[Directive] | None = None

    @property
    def shape(self) -> tuple[object, ...]:
        """What stays the same whatever the values are."""
        inner = None if self.block is None else tuple(one.shape for one in self.block)
        return (len(self.words), inner)


def parsed(text: str) -> list[Directive]:
    """Read a configuration as ``ngx_conf_file.c`` does.

    Raises:
        NotNginxError: braces, quotes or ends that do not fit.
    """
    stack: list[list[Directive]] = [[]]
    words: list[str] = []
    for sign, word in _tokens(text):
        if sign == "":
            words.append(word)
            continue
        if bool(words) == (sign == "}") or (sign == "}" and len(stack) == 1):
            raise NotNginxError(f"unexpected {sign!r} after {words}")
        if sign == "}":
            stack.pop()
            continue
        block: list[Directive] | None = [] if sign == "{" else None
        stack[-1].append(Directive(words, block))
        words = []
        if block is not None:
            stack.append(block)
    if words or len(stack) > 1:
        raise NotNginxError("unexpected end of file")
    return stack[0]


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Give signs, and words with an empty sign."""
    at = 0
    while at < len(text):
        here = text[at]
        if here == "#":
            at = text.find("\n", at) % (len(text) + 1)  # not found, -1: the end
        elif here in ";{}":
            yield here, ""
            at += 1
        elif here in _BLANK:
            at += 1
        else:
            word, at = _word(text, at)
            yield "", word


def _word(text: str, at: int) -> tuple[str, int]:
    quote = text[at] if text[at] in "\"'" else ""
    at += len(quote)
    found: list[str] = []
    variable = False
    while at < len(text):
        here = text[at]
        if here == "\\":
            found.append(text[at : at + 2])
            at += 2
            continue
        if quote and here == quote:
            after = text[at + 1 : at + 2]
            if after and after not in _BLANK + ";{)":
                raise NotNginxError(f"unexpected {after!r} after a quoted word at {at}")
            return "".join(found), at + 1
        if not quote and not variable and (here in _BLANK or here in ";{"):
            return "".join(found), at
        variable = here == "{" if found and found[-1] == "$" else variable and here != "}"
        found.append(here)
        at += 1
    raise NotNginxError("unexpected end of file in a word")
