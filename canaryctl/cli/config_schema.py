"""The JSON schema of canary.yaml (draft 2020-12), for editors.

Made from the models, then tightened where they read text: what an editor marks and what
``canaryctl config check`` refuses should be the same, as far as a schema can say it. What spans
several places (rising stages, an address given to both versions) only the check can see.
"""

from __future__ import annotations

from typing import Any, get_args

from pydantic import WithJsonSchema

from canaryctl.config import fields, stages
from canaryctl.config.model import Config
from canaryctl.config.plan import PlanModel
from canaryctl.listeners.jsonable import percent

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_ENVIRONMENT: Schema = {"$ref": "#/$defs/FromEnvironment"}
_NOTES = ("title", "description", "default", "examples")

_NUMBER = r"[0-9]+(\.[0-9]+)?"
_SPAN = rf"({_NUMBER}(ms|s|m|h|d))+"
_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST = r"([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])"
_SHARE = r"(100(\.0+)?|[0-9]{1,2}(\.[0-9]{1,2}0*)?)\s*%?"
_STRING = r"(\"([^\"\\]|\\.)*\"|'([^'\\]|\\.)*')"
_MATCHER = rf"[a-zA-Z_][a-zA-Z0-9_]*\s*(=~|!~|!=|=)\s*{_STRING}"


def _text(pattern: str, **more: Any) -> Schema:
    return {"type": "string", "pattern": rf"^\s*{pattern}\s*$", **more}


def _any(*schemas: Schema, **more: Any) -> Schema:
    return {"anyOf": [*schemas, _ENVIRONMENT], **more}


_ADDRESS = _any({"type": "string", "pattern": rf"^(unix:/[A-Za-z0-9_./-]+|{_HOST}:{_PORT})$"})
_ADDRESSES = {
    "anyOf": [
        _ADDRESS,
        {"type": "array", "items": _ADDRESS, "minItems": 1, "uniqueItems": True},
    ],
    "description": "host:port, or a list of them",
    "examples": ["app:8000"],
}
_STAGE = _any(
    {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
    _text(rf"(?=.*[1-9]){_SHARE}"),
)
_DURATION = _any(
    {"type": "number", "exclusiveMinimum": 0},
    _text(rf"(?=.*[1-9])({_NUMBER}|{_SPAN})"),
    examples=["15m", "90s", "1h30m", 900],
)
_ROLE = _any({"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"})
_UNTIL_CONTINUED: Schema = {"anyOf": [{"type": "null"}, {"type": "object", "maxProperties": 0}]}
_LENGTH: Schema = {
    "type": "object",
    "properties": {"duration": _DURATION},
    "required": ["duration"],
    "additionalProperties": False,
}


def _wait(key: str, value: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {key: value},
        "required": [key],
        "additionalProperties": False,
    }


_ROLES: Schema = {"type": "array", "items": _ROLE, "minItems": 1, "uniqueItems": True}
_PAUSE = _wait("pause", {"anyOf": [_DURATION, _LENGTH, _UNTIL_CONTINUED]})
_APPROVE = _wait("approve", {"anyOf": [_ROLE, _ROLES]})
_STAGES = {
    "anyOf": [
        {
            "type": "array",
            "items": {"anyOf": [_STAGE, _PAUSE, _APPROVE]},
            "contains": _STAGE,
            "minItems": 1,
        },
        _text(rf"(?=.*[1-9]){_SHARE}(\s*,\s*{_SHARE})*\s*,?"),
        _ENVIRONMENT,
    ],
    "description": "the canary's percentages, rising; pauses and approvals between them",
    "examples": [[1, {"pause": "10m"}, 5, {"approve": ["engineering", "product"]}, 25, 100]],
}
_LIMIT = _any(
    {"type": "number"},
    _text(rf"([-+]?{_NUMBER}([eE][-+]?[0-9]+)?\s*%?|{_SPAN})"),
    examples=["0.5%", "2.5s", 100],
)
_LIMITS = {
    "anyOf": [_LIMIT, {"type": "object", "additionalProperties": _LIMIT, "minProperties": 1}],
    "examples": ["2.5s", {"fast": "2.5s"}],
}
_SELECTOR = _any(
    _text(rf"[a-zA-Z_:][a-zA-Z0-9_:]*\s*(\{{\s*({_MATCHER}(\s*,\s*{_MATCHER})*\s*,?)?\s*\}})?"),
    examples=['http_requests_total{status=~"5.."}'],
)
_LABELS = {
    "type": "object",
    "propertyNames": {"pattern": r"^[a-zA-Z_][a-zA-Z0-9_]*$"},
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}
_NONE = {"type": "null"}
_SELECTORS = ("bad", "total", "metric")


def _loose(alias: Any) -> Schema:
    """Give what a field's own type says of itself."""
    (found,) = [one for one in get_args(alias) if isinstance(one, WithJsonSchema)]
    return dict(found.json_schema or {})


_TIGHTER = tuple(
    (_loose(alias), tight)
    for alias, tight in (
        (fields.Addresses, _ADDRESSES),
        (stages.Stages, _STAGES),
        (fields.Duration, _DURATION),
        (fields.Percent, _STAGE),
        (fields.Limit, _LIMIT),
        (fields.Limits, _LIMITS),
        (fields.Labels, _LABELS),
    )
)


def schema() -> Schema:
    """Give the schema."""
    made = _tightened(Config.model_json_schema())
    definitions = made["$defs"]
    for name, rule in _RULES.items():
        definitions[name] |= rule
    for name in ("Ratio", "Gauge", "Promql"):
        definitions[name]["properties"]["max"] = {"anyOf": [_LIMIT, _NONE], "default": None}
    for name, keys in {"Latency": ("min",), "Zero": ("max", "min", "max_ratio")}.items():
        definitions[name]["properties"] |= dict.fromkeys(keys, _NONE)
    for definition in definitions.values():
        properties = definition.get("properties", {})
        properties |= {key: _SELECTOR for key in _SELECTORS if key in properties}
    weights = PlanModel.model_fields["stages"].default
    definitions["PlanModel"]["properties"]["stages"]["default"] = [percent(one) for one in weights]
    definitions["FromEnvironment"] = {
        "type": "string",
        "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
        "description": "${VAR} or ${VAR:-default}, read from the environment",
    }
    return {"$schema": DRAFT, **made, **_SCRAPE_HAS_NO_PROMQL, "title": "canary.yaml"}


def _either(*keys: str) -> list[Schema]:
    return [{"required": [key]} for key in keys]


_KEY_NEEDS_CERTIFICATE: Schema = {"dependentRequired": {"key_file": ["cert_file"]}}
_LIMITED = {"anyOf": _either("max", "min", "max_ratio")}
_RULES: dict[str, Schema] = {
    "Ratio": _LIMITED,
    "Gauge": _LIMITED,
    "Promql": _LIMITED,
    "Latency": {
        "anyOf": _either("max", "max_ratio"),
        "if": {"properties": {"max": {"type": "object"}}, "required": ["max"]},
        "then": {"required": ["by"]},
    },
    "DockerGateway": {
        "oneOf": _either("container", "service"),
        "not": {"required": ["docker_host", "docker_context"]},
    },
    "PrometheusSource": {
        "not": {"required": ["bearer_token", "basic_auth"]},
        **_KEY_NEEDS_CERTIFICATE,
    },
    "SmokeModel": _KEY_NEEDS_CERTIFICATE,
    "ScrapeSource": _KEY_NEEDS_CERTIFICATE,
    "TlsFiles": _KEY_NEEDS_CERTIFICATE,
}
_SCRAPE_HAS_NO_PROMQL: Schema = {
    # Where `metrics` is left out the condition holds as well: scrape is the default.
    "if": {"properties": {"metrics": {"properties": {"provider": {"const": "scrape"}}}}},
    "then": {
        "properties": {"gates": {"items": {"properties": {"kind": {"not": {"const": "promql"}}}}}}
    },
}


def _tightened(node: Any) -> Any:
    if isinstance(node, list):
        return [_tightened(one) for one in node]
    if not isinstance(node, dict):
        return node
    for loose, tight in _TIGHTER:
        if all(node.get(key) == value for key, value in loose.items()):
            return {key: value for key, value in node.items() if key not in loose} | tight
    found = {key: value if key in _NOTES else _tightened(value) for key, value in node.items()}
    return _or_from_environment(found) if _is_checked_scalar(found) else found


def _is_checked_scalar(node: Schema) -> bool:
    if node.get("type") in ("integer", "number", "boolean"):
        return True
    return node.get("type") == "string" and any(
        key in node for key in ("pattern", "enum", "minLength", "maxLength")
    )


def _or_from_environment(node: Schema) -> Schema:
    notes = {key: value for key, value in node.items() if key in _NOTES}
    checked = {key: value for key, value in node.items() if key not in _NOTES}
    return notes | _any(checked)
