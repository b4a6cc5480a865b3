"""A smoke test as JUnit XML, the form that CI servers show as a list of tests."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from canaryctl.core.redaction import SECRETS
from canaryctl.smoke.result import Outcome, Result, StepResult

# XML 1.0 has no place for these, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(result: Result) -> str:
    """Give the document."""
    counts = {
        "tests": str(len(result.steps)),
        "failures": str(len(result.of(Outcome.FAILED))),
        "errors": "0",
        "skipped": str(len(result.of(Outcome.SKIPPED))),
        "time": f"{result.seconds:.3f}",
    }
    name = _text(f"{result.suite} ({result.target})")
    root = ET.Element("testsuites", {"name": name, **counts})
    began = datetime.fromtimestamp(result.began, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suite = ET.SubElement(root, "testsuite", {"name": name, "timestamp": began, **counts})
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", {"name": "url", "value": _text(result.url)})
    for step in result.steps:
        _case(suite, step, _text(f"smoke.{result.suite}"))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(suite: ET.Element, step: StepResult, classname: str) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {"name": _text(step.name), "classname": classname, "time": f"{step.seconds:.3f}"},
    )
    if step.outcome is Outcome.SKIPPED:
        ET.SubElement(case, "skipped", {"message": _text(step.detail)})
    elif step.outcome is Outcome.FAILED:
        failure = ET.SubElement(
            case, "failure", {"message": _text(step.detail), "type": _text(step.kind)}
        )
        lines = [step.asked, *(problem.text for problem in step.problems)]
        lines += [f"next: {step.next_step}"] if step.next_step else []
        failure.text = _text("\n".join(lines))


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", SECRETS.hide(text))
