r"""One line of a log as an event with fields.

Read are JSON (also behind a prefix such as a timestamp), ``llm_brief{mode=fast, elapsed_ms=12}``,
``llm_brief(mode=fast)``, ``llm_brief {"mode": "fast"}``, also as Python writes it with ``'``, and
logfmt (``event=llm_brief mode=fast``, ``llm_brief mode=fast``, ``[llm_brief] mode=fast``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from canaryctl.smoke.check import same

Fields = Mapping[str, Any]

_NAMES = ("event", "event_name", "name", "msg", "message", "type")
"""Keys under which loggers write an event's name."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
# Bounded names: a megabyte of letters is looked at once, not once for each letter.
_PAIR = re.compile(
    r"(?<![\w.-])(?P<mark>[\"']?)(?P<name>[A-Za-z_][\w.-]{0,99})(?P=mark)\s{0,9}[=:]\s{0,9}"
    rf"(?P<value>{_QUOTED}|[^\s,;{{}}\"']+|\{{[^{{}}]*\}})"
)
_PREFIX = re.compile(r"(?:^|[\]:|>-]\s*|\d\S*\s+|\b(?i:debug|info|notice|warn|warning|error)\s+)$")
"""What stands before an event that stands alone: nothing, a time, a level."""
_WITHIN = rf"(?:{_QUOTED}|\{{(?:{_QUOTED}|[^{{}}\"'])*\}}|[^{{}}\"'])*"
_BLOCK = re.compile(
    rf"[ :=|\t-]*\{{(?P<braces>{_WITHIN})\}}|\s*\((?P<round>(?:{_QUOTED}|[^()\"'])*)\)"
)
_FOLLOWED = re.compile(rf"[\s:|,\]-]+{_PAIR.pattern}")
_DECODER = json.JSONDecoder()
_LONGEST = 100_000
_MOST_NAMED, _NEAR = 20, 200


def event_fields(line: str, event: str) -> Fields | None:
    """Give the fields of a line about this event; None where it is about something else."""
    if event not in line or len(line) > _LONGEST:
        return None
    text = _COLOURS.sub("", line).strip()
    found = _json_object(text)
    if found is not None:
        return _of_object(found, event)
    return _of_text(text, event)


def lacking(fields: Fields, wanted: tuple[str, ...]) -> list[str]:
    """Give the fields that are not there, or have no value. A dot leads into an object."""
    return [name for name in wanted if value_of(fields, name) in (None, "")]


def value_of(fields: Fields, name: str) -> Any:
    """Give a field's value, None where it has none."""
    if name in fields:
        return fields[name]
    found: Any = fields
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def agrees(value: Any, wanted: Any) -> bool:
    """Tell whether a field is what the suite wants. A line that is no JSON has only text."""
    if same(value, wanted):
        return True
    if not isinstance(value, str) or isinstance(wanted, str):
        return False
    try:
        return same(json.loads(value), wanted)
    except (ValueError, RecursionError):
        return False


def _json_object(text: str) -> dict[str, Any] | None:
    """Read the object that a line is, or ends with."""
    begin = text.find("{")
    if begin < 0:
        return None
    try:
        found, end = _DECODER.raw_decode(text, begin)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or text[end:].strip():
        return None
    named = any(key in found for key in _NAMES)
    # `llm_brief {"mode": "fast"}`: the name stands before it, and the text form finds it.
    return found if begin == 0 or named else None


def _of_object(found: dict[str, Any], event: str) -> Fields | None:
    inner = found.get(event)
    if isinstance(inner, dict):
        return {**found, **inner}
    for key in _NAMES:
        said = found.get(key)
        if said == event:
            return found
        if isinstance(said, str) and event in said and (more := _of_text(said, event)) is not None:
            return {**found, **more}
    return None


def _of_text(text: str, event: str) -> Fields | None:
    word = re.compile(rf"(?<![\w.-]){re.escape(event)}(?![\w-])")
    for place in islice(word.finditer(text), _MOST_NAMED):
        # Only what stands near is looked at: a long line of nothing but names takes no longer.
        near = text[max(0, place.start() - _NEAR) : place.start()]
        before, after = text[: place.start()], text[place.end() :]
        if (block := _BLOCK.match(after)) and (found := _of_block(block)) is not None:
            return found
        if (nested := _json_at(after)) is not None:
            return nested
        key = re.search(rf"(?:^|[\s,{{])({'|'.join(_NAMES)})\s*=\s*[\"']?$", near)
        alone = not after.strip() and _PREFIX.search(near)
        if key or alone or _FOLLOWED.match(after):
            return _pairs(before[: key.start() - len(near)] if key else "") | _pairs(
                after.lstrip("\"'")
            )
    return None


def _json_at(text: str) -> Fields | None:
    begin = len(text) - len(text.lstrip(" :=|-\t"))
    if not text.startswith("{", begin):
        return None
    try:
        found, _ = _DECODER.raw_decode(text, begin)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _of_block(block: re.Match[str]) -> Fields | None:
    """Read what stands in braces; what stands in brackets are fields only where there are some."""
    inner = block["round"]
    if inner is not None:
        return _pairs(inner) or None
    nested = _json_at(block[0])
    return _pairs(block["braces"]) if nested is None else nested


def _pairs(text: str) -> dict[str, Any]:
    return {one["name"]: _unquoted(one["value"]) for one in _PAIR.finditer(text)}


def _unquoted(value: str) -> str:
    if value[:1] in "\"'":
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value
