"""The text of a ``/metrics`` page, as samples under the names it exposes. Pure.

The formats: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from canaryctl.core.redaction import SECRETS
from canaryctl.drivers.calculable import calculable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OPENMETRICS = "application/openmetrics-text"
_SHOWN_CHARACTERS = 200


class UnreadableError(ValueError):
    """The text is not an exposition; says what is wrong with it."""


class Exposed(NamedTuple):
    """One exposed sample. Its own timestamp, if any, is left out: what counts is when we looked."""

    metric: str
    labels: Mapping[str, str]
    value: float


def exposed_samples(body: bytes, content_type: str) -> tuple[Exposed, ...]:
    """Read a page.

    Args:
        body: UTF-8.
        content_type: HTTP's header; OpenMetrics is told by it, all else is the text format.

    Raises:
        UnreadableError: not an exposition.
    """
    try:
        return tuple(_samples(body.decode("utf-8"), content_type))
    except Exception as error:  # the parsers raise whatever the text drives them into
        said = " ".join(SECRETS.beginning(str(error)).split())[:_SHOWN_CHARACTERS]
        words = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in said)
        raise UnreadableError(
            f"not the text of a metrics page ({content_type or 'no content type'}): "
            f"{words or type(error).__name__}"
        ) from error


def _samples(text: str, content_type: str) -> Iterator[Exposed]:
    if content_type.strip().lower().startswith(_OPENMETRICS):
        families = openmetrics_parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    else:
        families = parser.text_string_to_metric_families(_without_comments(text))
    for family in families:
        for sample in family.samples:
            if sample.value is not None:  # a native histogram has none
                yield Exposed(sample.name, sample.labels, calculable(float(sample.value)))


def _without_comments(text: str) -> str:
    # Told that `errors` is a counter, the parser renames its samples to `errors_total`, and a
    # selector for what the page shows would find nothing. Types serve no purpose here.
    # Only \n ends a line: str.splitlines would cut label values at other separators.
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("#"))
