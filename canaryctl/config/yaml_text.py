"""YAML's text as plain values; whatever is wrong with it, the message says in which line."""

from __future__ import annotations

from typing import Any

import yaml

from canaryctl.core.errors import ConfigError

Lines = dict[tuple[str | int, ...], int]

_LONGEST = 200_000
"""Characters; more than that takes seconds to read, and is no configuration."""
_DEEPEST, _MOST_NODES = 50, 100_000
_DEEP = "nested too deeply"
_HUGE = 10**300
"""Whole numbers of that size cannot be calculated with."""


def read(
    text: str, name: str, expected: str = "a mapping is expected", next_step: str = ""
) -> tuple[dict[Any, Any], Lines]:
    """Read a mapping, and in which line each of its keys stands.

    Args:
        text: one YAML document.
        name: the file's, for messages.
        expected: said of what is no mapping.
        next_step: said then too.

    Raises:
        ConfigError: not YAML, not a mapping, a key given twice, or more than any
            configuration has; the message names the line.
    """
    if len(text) > _LONGEST:
        raise ConfigError(f"{name}:1: longer than {_LONGEST:,} characters: no configuration is")
    line = 1
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            _bounded(node, name)
            lines = {} if node is None else _lines(node)
            _unique(node, name)
            parsed = None if node is None else loader.construct_document(node)
        finally:
            line = loader.line + 1
            loader.dispose()
    except RecursionError:
        raise ConfigError(f"{name}:{line}: not YAML: {_DEEP}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}:{_line(error, text)}: not YAML: {_said(error)}") from error
    if not isinstance(parsed, dict):
        raise ConfigError(f"{name}:1: {expected}", next_step=next_step)
    return parsed, lines


class _Loader(yaml.SafeLoader):
    """Plain values only, and an error in its place for what a tag promises and a text is not."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        # At once: YAML's scanner looks at every open bracket again for each word that follows.
        self._depth += 1
        if self._depth > _DEEPEST:
            raise yaml.composer.ComposerError(None, None, _DEEP, self.get_mark())
        found = super().compose_node(parent, index)
        self._depth -= 1
        return found

    def construct_object(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        try:
            found = super().construct_object(node, deep)
        except (yaml.YAMLError, RecursionError):
            raise
        except Exception:  # noqa: BLE001  YAML's constructors raise whatever a text leads them to
            kind = node.tag.rpartition(":")[2]
            raise _wrong(node, f"{str(node.value)[:60]!r} is no {kind}") from None
        if isinstance(found, int) and not -_HUGE < found < _HUGE:
            raise _wrong(node, "a number of more than 300 digits")
        return _whole(node, found) if isinstance(found, str) else found


def _whole(node: Any, text: str) -> str:
    """Put together what JSON writes as two halves, such as an emoji."""
    if not any("\ud800" <= one <= "\udfff" for one in text):
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _wrong(node, "half a character (a lone surrogate)") from None


def _wrong(node: Any, problem: str) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _line(error: yaml.YAMLError, text: str) -> int:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    return text.count("\n", 0, int(getattr(error, "position", 0))) + 1


def _said(error: yaml.YAMLError) -> str:
    said = getattr(error, "problem", None) or str(error) or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in said)


def _bounded(node: Any, name: str) -> None:
    """Refuse what grows without end when its aliases are followed."""
    left, seen = [(node, 0)], 0
    while left:
        here, depth = left.pop()
        seen += 1
        if depth > _DEEPEST or seen > _MOST_NODES:
            line = here.start_mark.line + 1
            raise ConfigError(f"{name}:{line}: {_DEEP}, or an alias that contains itself")
        if here is not None and here.id == "mapping":
            left += [(one, depth + 1) for pair in here.value for one in pair]
        elif here is not None and here.id == "sequence":
            left += [(one, depth + 1) for one in here.value]


def _lines(node: Any) -> Lines:
    """Give the line of every key, by its path."""
    found: Lines = {}

    def visit(here: Any, path: tuple[str | int, ...]) -> None:
        found.setdefault(path, here.start_mark.line + 1)
        if here.id == "mapping":
            for key, value in here.value:
                found[(*path, str(key.value))] = key.start_mark.line + 1
                visit(value, (*path, str(key.value)))
        elif here.id == "sequence":
            for index, value in enumerate(here.value):
                visit(value, (*path, index))

    visit(node, ())
    return found


def _unique(node: Any, name: str) -> None:
    """Refuse a key given twice: YAML would quietly take the last one."""
    if node is None:
        return
    if node.id == "mapping":
        seen: set[str] = set()
        for key, value in node.value:
            text = str(key.value)
            if text in seen:
                raise ConfigError(
                    f"{name}:{key.start_mark.line + 1}: the key {text[:60]!r} stands twice"
                )
            seen.add(text)
            _unique(value, name)
    elif node.id == "sequence":
        for value in node.value:
            _unique(value, name)
