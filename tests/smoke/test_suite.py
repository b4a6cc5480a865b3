"""A suite's file: what it may say, and how a mistake in it is reported."""

# ruff: noqa: PT017  an error is one of two good ends, and held to what it promises

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canaryctl.core.errors import ConfigError
from canaryctl.smoke.load import load_suite, shipped_suite, suite_of
from canaryctl.smoke.suite import Suite

GOOD = """\
name: shop
timeout: 2s
headers: {X-Key: "${KEY}"}
steps:
  - name: create
    request: {method: POST, path: /items, json: {n: 1}}
    expect:
      status: [200, 201]
      json: {$.id: {exists: true}}
    save: {id: $.id}
  - name: read
    after: create
    request: {path: "/items/{id}"}
    timeout: 5s
  - name: logged
    logs: {event: item, fields: [id], values: {id: "{id}"}, within: 3s}
  - name: counted
    metrics: {families: [items_total, {name: up, labels: {a: b}}]}
"""
MISTAKES = [
    ("name: shop\n", "", r"s\.yaml:1: name: missing"),
    ("timeout: 2s", "timeout: soon", r"s\.yaml:2: timeout: a duration is written"),
    ("timeout: 2s", "timeot: 2s", r"s\.yaml:2: timeot: unknown key \(did you mean 'timeout'\?\)"),
    ("${KEY}", "${NO_KEY}", r"s\.yaml:3: headers\.X-Key: \$\{NO_KEY\} is not set"),
    ("${KEY}", "{id}", r"s\.yaml:3: headers\.X-Key: it is sent from the first step on"),
    ("POST", "PSOT", r"s\.yaml:6: steps\[0\]\.request\.method: a method is one of"),
    ("path: /items,", "path: items,", r"s\.yaml:6: steps\[0\]\.request\.path: 'items' is not of"),
    ("{n: 1}", "{n: 2026-01-02}", r"steps\[0\]\.request\.json: 2026-01-02 is a date in YAML"),
    ("{n: 1}", "{n: .nan}", r"steps\[0\]\.request\.json: nan is no JSON number"),
    ("{n: 1}", "{on: 1}", r"s\.yaml:6: steps\[0\]\.request\.json: on, off, yes"),
    ("[200, 201]", "[200, 2000]", r"s\.yaml:8: steps\[0\]\.expect\.status: a status is written"),
    ("[200, 201]", "[]", r"expect\.status: at least one status"),
    ("$.id: {", "id: {", r"s\.yaml:9: steps\[0\]\.expect\.json\.id: a path is written \$"),
    ("exists: true}", "exist: true}", r"json\.\$\.id\.exist: unknown key .*'exists'"),
    ("exists: true}", "matches: '('}", r"json\.\$\.id\.matches: '\(' is no regular expression"),
    (
        "exists: true}",
        "min: 9, max: 3}",
        r"s\.yaml:9: .*expect\.json\.\$\.id: no value is at least min 9 and at most max 3",
    ),
    (
        "exists: true}",
        "min_length: 2, max_length: 1}",
        r"json\.\$\.id: no value is at least min_length 2 and at most max_length 1",
    ),
    (
        "exists: true}",
        "length: 3, min_length: 5}",
        r"json\.\$\.id: length: 3 says it all; leave out min_length",
    ),
    ("{exists: true}", "{}", r"json\.\$\.id: say what is expected"),
    ("save: {id: $.id}", "save: {id: '$[*]'}", r"s\.yaml:10: steps\[0\]\.save\.id: .*several"),
    ("/items/{id}", "/items/{ib}", r"s\.yaml:13: steps\[1\]\.request\.path: \{ib\} is saved by no"),
    ("after: create", "after: creat", r"s\.yaml:12: steps\[1\]\.after: .*did you mean 'create'"),
    (
        "name: read",
        "name: create",
        r"s\.yaml:11: steps\[1\]\.name: the name 'create' is used twice",
    ),
    ("    logs:", "    log:", r"s\.yaml:15: steps\[2\]: a step has exactly one of request, logs"),
    ("event: item, ", "", r"s\.yaml:16: steps\[2\]\.logs\.event: missing"),
    ("within: 3s", "within: -1", r"steps\[2\]\.logs\.within: a duration is not negative"),
    (
        "[items_total,",
        "[items-total,",
        r"s\.yaml:18: steps\[3\]\.metrics\.families\[0\]: 'items-total'",
    ),
    ("steps:", "steps: []\nx:", r"s\.yaml:4: steps: from 1 to 200 of them, not 0"),
    ("name: shop", "- a", r"not YAML"),
]


def test_a_good_suite_is_read() -> None:
    suite = suite_of(GOOD, "s.yaml", {"KEY": "v"})
    assert [step.name for step in suite.steps] == ["create", "read", "logged", "counted"]
    assert suite.headers["X-Key"].get_secret_value() == "v"
    assert "v'" not in repr(suite.headers)


@pytest.mark.parametrize(("right", "wrong", "said"), MISTAKES, ids=[one[1] for one in MISTAKES])
def test_a_mistake_names_file_line_and_key(right: str, wrong: str, said: str) -> None:
    assert right in GOOD
    with pytest.raises(ConfigError, match=said) as caught:
        suite_of(GOOD.replace(right, wrong, 1), "s.yaml", {"KEY": "v"})
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["", "[]", "a", "\0", "steps: {", "name: &a [*a]", "null: 1"])
def test_what_is_no_suite_is_said(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^s\.yaml:1: "):
        suite_of(text, "s.yaml", {})


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml cannot be read"):
        load_suite(tmp_path / "no.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"b\.yaml cannot be read"):
        load_suite(tmp_path / "b.yaml")


def test_the_shipped_suite_is_the_missions() -> None:
    suite = load_suite(shipped_suite())
    assert suite == load_suite()
    assert len(suite.steps) == 7


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_text_is_a_suite_or_one_message(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(at, min(len(GOOD), at + 30)))
    put = data.draw(
        st.text(max_size=20)
        | st.sampled_from(
            ["{a: [1]}", "null", "~", "'{id}'", "{{id}}", "*", "&a", "- ", "[[", "$.a"]
        )
    )
    try:
        assert isinstance(suite_of(GOOD[:at] + put + GOOD[end:], "s.yaml", {"KEY": "v"}), Suite)
    except ConfigError as error:
        assert all(line.startswith("s.yaml:") for line in str(error).split("\n"))
