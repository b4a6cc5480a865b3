"""Reading canary.yaml: where it is, what is in it, and errors that name the key and the line."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from canaryctl.core.errors import ConfigError

_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
DEFAULT = "canary.yaml"
_DEEPEST, _MOST_NODES = 50, 100_000


def find(flag: Path | None, environment: Mapping[str, str]) -> Path:
    """Choose the file: ``--config``, else ``$CANARYCTL_CONFIG``, else ``./canary.yaml``.

    Raises:
        ConfigError: there is none; says how one is made.
    """
    path = flag or Path(environment.get("CANARYCTL_CONFIG") or DEFAULT)
    if not path.is_file():
        variable = path != Path(DEFAULT)
        where = "--config" if flag else "$CANARYCTL_CONFIG" if variable else "the default"
        raise ConfigError(
            f"no configuration: there is no file {path} ({where})",
            next_step="`canaryctl init` writes a canary.yaml; --config FILE names another one",
        )
    return path


def load(path: Path, environment: Mapping[str, str] | None = None) -> Any:
    """Read and check a file.

    Raises:
        ConfigError: unreadable, not YAML, or wrong; names file, line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    return loads(text, str(path), os.environ if environment is None else environment)


def loads(text: str, name: str = DEFAULT, environment: Mapping[str, str] | None = None) -> Any:
    """Check a text; see ``load``."""
    import yaml  # noqa: PLC0415  only when a configuration is read
    from pydantic import ValidationError  # noqa: PLC0415  84 ms

    from canaryctl.config.model import Config  # noqa: PLC0415

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        _bounded(node, name)
        parsed = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or str(error) or type(error).__name__
        raise ConfigError(f"{where}: not YAML: {problem}") from error
    if not isinstance(parsed, dict):
        raise ConfigError(
            f"{name}: a mapping with service, versions, gateway … is expected",
            next_step="`canaryctl init` writes one to start from",
        )
    lines = _lines(node)
    _unique(node, name)
    filled = _filled(parsed, {} if environment is None else environment, (), lines, name)
    try:
        return Config.model_validate(filled)
    except ValidationError as error:
        raise ConfigError(_explained(error, lines, name)) from error


def _bounded(node: Any, name: str) -> None:
    """Refuse what grows without end when its aliases are followed."""
    left, seen = [(node, 0)], 0
    while left:
        here, depth = left.pop()
        seen += 1
        if depth > _DEEPEST or seen > _MOST_NODES:
            raise ConfigError(f"{name}: nested too deeply, or an alias that contains itself")
        if here is not None and here.id == "mapping":
            left += [(one, depth + 1) for pair in here.value for one in pair]
        elif here is not None and here.id == "sequence":
            left += [(one, depth + 1) for one in here.value]


def _lines(node: Any) -> dict[tuple[str | int, ...], int]:
    """Give the line of every key, by its path."""
    found: dict[tuple[str | int, ...], int] = {}

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
    if node.id == "mapping":
        seen: set[str] = set()
        for key, value in node.value:
            text = str(key.value)
            if text in seen:
                raise ConfigError(
                    f"{name}:{key.start_mark.line + 1}: the key {text!r} stands twice"
                )
            seen.add(text)
            _unique(value, name)
    elif node.id == "sequence":
        for value in node.value:
            _unique(value, name)


def _filled(
    value: Any,
    environment: Mapping[str, str],
    path: tuple[str | int, ...],
    lines: Mapping[tuple[str | int, ...], int],
    name: str,
) -> Any:
    """Put the environment's values in: ``${VAR}``, ``${VAR:-default}``, ``$$`` for a dollar."""
    if isinstance(value, dict):
        return {
            str(k): _filled(v, environment, (*path, str(k)), lines, name) for k, v in value.items()
        }
    if isinstance(value, list):
        return [_filled(v, environment, (*path, i), lines, name) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replaced(found: re.Match[str]) -> str:
        variable, default = found.group(1), found.group(2)
        if variable is None:
            return "$"
        given = environment.get(variable) or default
        if given is None:
            raise ConfigError(
                f"{name}:{_line(path, lines)}: {_dotted(path)}: ${{{variable}}} is not set",
                next_step=f"export {variable}=…, or write ${{{variable}:-default}}",
            )
        return given

    return _VARIABLE.sub(replaced, value)


def _explained(error: Any, lines: Mapping[tuple[str | int, ...], int], name: str) -> str:
    said = []
    for problem in error.errors(include_url=False, include_context=True):
        path = _known(problem["loc"], lines, absent=problem["type"] == "missing")
        where = f"{name}:{_line(path, lines)}: {_dotted(path) or 'file'}"
        said.append(f"{where}: {_words(problem)}{_suggested(problem)}")
    return "\n".join(dict.fromkeys(said))


def _known(
    loc: tuple[str | int, ...], lines: Mapping[tuple[str | int, ...], int], *, absent: bool
) -> tuple[str | int, ...]:
    """Drop what pydantic adds to a path (the chosen kind of gate) and the file does not have."""
    path: tuple[str | int, ...] = ()
    for part in loc:
        if (*path, part) in lines:
            path = (*path, part)
    return (*path, loc[-1]) if absent else path


def _line(path: tuple[str | int, ...], lines: Mapping[tuple[str | int, ...], int]) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _dotted(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).removeprefix(".")


def _words(problem: Mapping[str, Any]) -> str:
    kind, context = problem["type"], problem.get("ctx") or {}
    match kind:
        case "extra_forbidden":
            return "unknown key"
        case "missing":
            return "missing"
        case "union_tag_invalid":
            return f"{context['tag']!r} is none of {context['expected_tags']}"
        case "union_tag_not_found":
            return f"missing: {context['discriminator']}"
        case "string_pattern_mismatch":
            return f"{problem['input']!r} is not of the form {context['pattern']}"
    return str(problem["msg"]).removeprefix("Value error, ")


def _suggested(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "extra_forbidden":
        known = _keys()
        near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        return f" (did you mean {near[0]!r}?)" if near else ""
    if problem["type"] == "union_tag_invalid":
        context = problem["ctx"]
        tags = re.findall(r"'([^']+)'", context["expected_tags"])
        near = difflib.get_close_matches(str(context["tag"]), tags, n=1)
        return f" (did you mean {near[0]!r}?)" if near else ""
    return ""


def _keys() -> list[str]:
    """Every key that canary.yaml knows."""
    from canaryctl.config.model import Config  # noqa: PLC0415

    schema = Config.model_json_schema()
    names = set(schema.get("properties", {}))
    for definition in schema.get("$defs", {}).values():
        names |= set(definition.get("properties", {}))
    return sorted(names)
