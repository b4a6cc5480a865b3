"""What is wrong with a YAML file, said with file, line and key, and the nearest known key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from canaryctl.config.yaml_text import Lines
from canaryctl.core.redaction import SECRETS

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

Place = tuple[str | int, ...]
"""Where something stands in a file: keys and indices."""

_LONGEST = 500
"""Characters of one message about one key, which may quote what stands there."""


def explained(error: ValidationError, model: type[BaseModel], lines: Lines, name: str) -> str:
    """Give one line for each thing that pydantic found."""
    said = []
    for problem in error.errors(include_url=False, include_context=True):
        path = _known(problem["loc"], lines, absent=problem["type"] == "missing")
        words = f"{_bounded(SECRETS.hide(_words(problem)))}{_suggested(problem, model)}"
        said.append(f"{placed(path, lines, name)}: {words}")
    return "\n".join(dict.fromkeys(said))


def placed(path: Place, lines: Lines, name: str) -> str:
    """Name a place: ``canary.yaml:12: plan.stages[0]``."""
    return f"{name}:{_line(path, lines)}: {_dotted(path) or 'file'}"


def nearest(word: str, known: list[str]) -> str:
    """Suggest what may have been meant; empty when nothing is near."""
    near = difflib.get_close_matches(word, [one for one in known if one != word], n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _known(loc: Place, lines: Lines, *, absent: bool) -> Place:
    """Drop what pydantic adds to a path (the chosen kind of gate) and the file does not have."""
    path: Place = ()
    for part in loc:
        if (*path, part) in lines:
            path = (*path, part)
    return (*path, loc[-1]) if absent else path


def _line(path: Place, lines: Lines) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _dotted(path: Place) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{_key(p)}" for p in path)[path != () :]


def _key(name: str) -> str:
    """Write a key that somebody made up so that it stays one line, whatever is in it."""
    return _bounded(name if name.isprintable() else repr(name))


def _bounded(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"


_LIST, _MAPPING = "a list is expected", "a mapping is expected"
_SAID = {
    "extra_forbidden": "unknown key",
    "missing": "missing",
    "tuple_type": _LIST,
    "list_type": _LIST,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
    "mapping_type": _MAPPING,
    "too_short": "at least {min_length} is needed",
}
"""What is said instead of pydantic's own words, by its names."""


def _words(problem: Mapping[str, Any]) -> str:
    kind, context = problem["type"], problem.get("ctx") or {}
    match kind:
        case "union_tag_invalid":
            return f"{context['tag']!r} is none of {context['expected_tags']}"
        case "union_tag_not_found":
            return f"missing: {context['discriminator']}"
        case "string_pattern_mismatch":
            return f"{problem['input']!r} is not of the form {context['pattern']}"
    if said := _SAID.get(kind):
        return said.format_map(context)
    return str(problem["msg"]).removeprefix("Value error, ")


def _suggested(problem: Mapping[str, Any], model: type[BaseModel]) -> str:
    if problem["type"] == "extra_forbidden":
        return nearest(str(problem["loc"][-1]), _keys(model))
    if problem["type"] == "union_tag_invalid":
        context = problem["ctx"]
        return nearest(str(context["tag"]), re.findall(r"'([^']+)'", context["expected_tags"]))
    return ""


def _keys(model: type[BaseModel]) -> list[str]:
    """Every key that such a file knows."""
    schema = model.model_json_schema()
    names = set(schema.get("properties", {}))
    for definition in schema.get("$defs", {}).values():
        names |= set(definition.get("properties", {}))
    return sorted(names)
