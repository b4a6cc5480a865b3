"""What is sent, and what of an answer is held to what: with a real server."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from canaryctl.drivers.clock import SystemClock
from canaryctl.smoke.load import suite_of
from canaryctl.smoke.result import Outcome, Result
from canaryctl.smoke.run import run_suite
from canaryctl.smoke.target import Target
from tests.smoke.faulty_service import Reply, Service, reply

SECRET = "hunter2-hunter2"  # noqa: S105  looked for in what is shown


def run(service: Service, steps: str, head: str = "", **headers: str) -> Result:
    text = f"name: n\n{head}timeout: 5s\nsteps:\n{textwrap.dedent(steps)}"
    suite = suite_of(text, "s.yaml", {"TOKEN": SECRET})
    return run_suite(suite, Target("c", service.url, headers=headers), SystemClock())


SAVES = """\
- name: give
  request: {path: /give}
  save: {it: $.it}
- name: take
  request:
    method: POST
    path: "/take/{it}?q={it}"
    headers: {X-It: "it is {it}"}
    json: {whole: "{it}", text: "a {it} b", list: ["{it}"], literal: "{{it}}", other: "{ it }"}
"""


@pytest.mark.parametrize(
    ("value", "path", "text"),
    [
        ("a/b?c#d e&f%2F", "/take/a%2Fb%3Fc%23d%20e%26f%252F?q=a%2Fb%3Fc%23d%20e%26f%252F", None),
        (17, "/take/17?q=17", "a 17 b"),
        (1.5, "/take/1.5?q=1.5", "a 1.5 b"),
        (True, "/take/true?q=true", "a true b"),
        ("{it}", "/take/%7Bit%7D?q=%7Bit%7D", "a {it} b"),
    ],
)
def test_a_saved_value_keeps_its_type_and_is_escaped_in_a_url(
    service: Service, value: Any, path: str, text: str | None
) -> None:
    service.routes |= {"GET /give": reply({"it": value}), f"POST {path}": reply({})}
    result = run(service, SAVES)
    assert result.passed, result
    sent = service.seen[-1]
    assert sent.path == path
    assert sent.json["whole"] == value
    assert type(sent.json["whole"]) is type(value)
    assert sent.json["list"] == [value]
    assert sent.json["text"] == (text or f"a {value} b")
    assert (sent.json["literal"], sent.json["other"]) == ("{it}", "{ it }")
    assert sent.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("..", "it is '..', which would lead to another path"),
        ([1], "it is an array, which cannot be part of a text"),
        ({"a": 1}, "it is an object, which cannot be part of a text"),
        ("a\r\nX-Evil: 1", "a header would hold a line break"),
        ("é", "a header would hold a line break, or what is not ASCII"),
    ],
)
def test_what_would_be_another_request_is_not_sent(service: Service, value: Any, said: str) -> None:
    service.routes["GET /give"] = reply({"it": value})
    result = run(service, SAVES)
    (failed,) = result.of(Outcome.FAILED)
    assert failed.name == "take"
    assert said in failed.detail
    assert [one.path for one in service.seen] == ["/give"]


ANSWER = {"a": 1, "b": [{"c": "x1"}, {"c": None}], "d": True, "e": "", "odd key": {}}
CHECKS = [
    ("$.a: 1", None),
    ("$.a: 1.0", None),
    ("$.a: true", "$.a: expected true, came 1"),
    ("$.d: 1", "$.d: expected 1, came true"),
    ("$.a: {type: integer, min: 1, max: 1}", None),
    ("$.a: {min: 2}", "$.a: expected a number ≥ 2, came 1"),
    ("$.a: {type: string}", "$.a: expected type string, came number 1"),
    ("$.a: {length: 1}", "$.a: expected length 1, came number 1"),
    ("$.b: {length: 2, type: array}", None),
    ("$.b: {min_length: 3}", "$.b: expected length ≥ 3, came length 2"),
    ("$.b[0].c: {matches: '^x[0-9]$'}", None),
    ("$.b[-1].c: null", None),
    ("$.b[1].c: {type: 'null'}", None),
    ("$.b[1].c: {exists: true}", "$.b[1].c: expected a value, came null"),
    ("$.b[1].c: {exists: false}", None),
    ("$.b[*].c: {type: string}", "$.b[1].c: expected type string, came null"),
    ("$.b[2].c: {exists: true}", "$.b[2].c: expected a value, came nothing ($.b has 2 elements)"),
    ("$.a.z: {exists: true}", "$.a.z: expected a value, came nothing ($.a is 1)"),
    ("$.z: {exists: false}", None),
    ("$.a: {exists: false}", "$.a: expected nothing, came 1"),
    ("$['odd key']: {}", None),
    ("$: {type: object, min_length: 5}", None),
    ("$.e: {min_length: 1}", '$.e: expected length ≥ 1, came length 0: ""'),
    ("$.b: {equals: [{c: x1}, {c: null}]}", None),
    (
        "$['odd key'][*]: {exists: true}",
        "expected a value, came nothing ($['odd key'] has no keys)",
    ),
]


@pytest.mark.parametrize(("check", "said"), CHECKS, ids=[one[0] for one in CHECKS])
def test_what_a_value_has_to_be(service: Service, check: str, said: str | None) -> None:
    service.routes["GET /x"] = reply(ANSWER)
    check = check.replace("$['odd key']: {}", "$['odd key']: {equals: {}}")
    steps = f"- name: a\n  request: {{path: /x}}\n  expect:\n    json:\n      {check}"
    result = run(service, steps)
    assert result.passed is (said is None), result
    if said is not None:
        assert said in result.steps[0].detail


def test_an_expression_that_comes_to_no_end_fails_its_step(service: Service) -> None:
    texts = ["b", "a" * 38 + "!", 7, "aa", "\ud800"]
    service.routes["GET /x"] = reply({"id": texts[1], "many": texts})
    steps = """\
    - name: one
      request: {path: /x}
      expect: {json: {$.id: {matches: '^(a+)+$'}}}
    - name: many
      request: {path: /x}
      expect: {json: {'$.many[*]': {matches: '^(a|a)+$'}}}
    - name: good
      request: {path: /x}
      expect: {json: {'$.many[*]': {matches: '^a'}}}
    """
    one, many, good = run(service, steps).steps
    assert "$.id: expected text matching '^(a+)+$', came \"aaa" in one.detail
    assert "the expression comes to no end (ended after" in one.detail
    assert "repetition within a repetition" in one.next_step
    assert "$.many[*]: expected text matching '^(a|a)+$', came 4 texts: the exp" in many.detail
    assert max(one.seconds, many.seconds) < 20
    wrong = [problem.where for problem in good.problems]
    assert wrong == ["$.many[0]", "$.many[2]", "$.many[4]"]


def test_status_headers_and_body(service: Service) -> None:
    service.routes["GET /x"] = Reply(204, b"", {"X-Version": "canary"})
    service.routes["GET /page"] = Reply(200, b"<h1>Shop</h1>", {"Content-Type": "text/html"})
    steps = """\
    - {name: any 2xx, request: {path: /x}, expect: {headers: {x-version: canary}}}
    - {name: listed, request: {path: /x}, expect: {status: [200, 204]}}
    - {name: other, request: {path: /x}, expect: {status: 200}}
    - {name: header, request: {path: /x}, expect: {headers: {X-Version: stable, X-No: a}}}
    - {name: page, request: {path: /page}, expect: {body: Shop}}
    - {name: no page, request: {path: /page}, expect: {body: Shoe}}
    - {name: head, request: {method: head, path: /page}, expect: {status: 4xx}}
    """
    result = run(service, steps)
    said = {step.name: step.detail for step in result.of(Outcome.FAILED)}
    assert said == {
        "other": "status: expected 200, came 204 No Content: an empty body",
        "header": 'header X-Version: expected "stable", came "canary"; '
        'header X-No: expected "a", came nothing',
        "no page": 'body: expected "Shoe", came <h1>Shop</h1>',
    }


def test_redirects_are_followed_on_request_and_never_to_another_server(service: Service) -> None:
    service.routes |= {
        "GET /here": Reply(301, b"", {"Location": "there"}),
        "GET /there": reply({"ok": True}),
        "POST /send": Reply(303, b"", {"Location": "/there"}),
        "GET /away": Reply(302, b"", {"Location": "http://127.0.0.1:1/x"}),
        "GET /round": Reply(302, b"", {"Location": "/round"}),
    }
    steps = """\
    - {name: get, request: {path: /here, follow_redirects: true}, expect: {json: {$.ok: true}}}
    - name: post
      request: {method: POST, path: /send, json: {}, follow_redirects: true}
      expect: {json: {$.ok: true}}
    - {name: away, request: {path: /away, follow_redirects: true}}
    - {name: round, request: {path: /round, follow_redirects: true}}
    """
    said = {step.name: step.detail for step in run(service, steps).of(Outcome.FAILED)}
    assert set(said) == {"away", "round"}
    assert "a redirect to another server, http://127.0.0.1" in said["away"]
    assert "more than 5 redirects" in said["round"]


def test_headers_are_sent_and_secrets_are_not_shown(service: Service) -> None:
    echo = reply({"got": f"token {SECRET}", "session_token": "abc", "u": "config-secret-1"}, 401)
    service.routes["GET /x"] = echo
    steps = "- {name: a, request: {path: /x, headers: {X-Step: step}}}"
    head = 'headers: {Authorization: "Bearer ${TOKEN}", Accept: application/json}\n'
    result = run(service, steps, head, **{"X-Config": "config-1"})
    sent = service.seen[0].headers
    assert sent["Authorization"] == f"Bearer {SECRET}"
    assert (sent["X-Config"], sent["X-Step"]) == ("config-1", "step")
    assert SECRET not in repr(result)
    assert '"session_token":"***"' in result.steps[0].detail


def test_a_saved_token_is_not_shown_in_a_later_step(service: Service) -> None:
    token = "tok-0123456789"  # noqa: S105
    service.routes["GET /login"] = reply({"access_token": token})
    service.routes["GET /me"] = reply({"said": f"{token} is unknown"}, 403)
    steps = """\
    - {name: login, request: {path: /login}, save: {token: $.access_token}}
    - {name: me, request: {path: /me, headers: {Authorization: "Bearer {token}"}}}
    """
    result = run(service, steps)
    assert service.seen[1].headers["Authorization"] == f"Bearer {token}"
    assert result.steps[1].detail.endswith('came 403 Forbidden: {"said":"*** is unknown"}')


def test_an_answer_of_any_size_or_content_is_shown_in_one_bounded_line(service: Service) -> None:
    service.routes["GET /x"] = Reply(200, b"\x1b[2J\x00\xff" + b"a" * 3_000_000)
    service.routes["GET /deep"] = Reply(200, b"[" * 100_000)
    service.routes["GET /long"] = Reply(200, b"a" * (9 * 2**20))
    steps = """\
    - {name: a, request: {path: /x}, expect: {json: {$.a: 1}}}
    - {name: b, request: {path: /deep}, expect: {json: {$.a: 1}}}
    - {name: c, request: {path: /long}, expect: {json: {$.a: 1}}}
    """
    for step in run(service, steps).steps:
        assert step.outcome is Outcome.FAILED
        assert len(step.detail) < 400
        assert step.detail.isprintable()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": -Infinity}', 'application/json, -Infinity is no JSON: {"a": -Infinity}'),
        (b'{"a": ' + b"9" * 5_000 + b"}", "a number of more than 4300 digits: {"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 'nested too deep to be read: {"a":{"a":'),
        (b'{"a": "\xff"}', 'bytes that are no text: {"a": "'),
        (b"{", "came application/json: {"),
    ],
    ids=["infinity", "digits", "deep", "bytes", "broken"],
)
def test_what_is_wrong_with_json_is_said(service: Service, body: bytes, said: str) -> None:
    service.routes["GET /x"] = Reply(200, body)
    (step,) = run(service, "- {name: a, request: {path: /x}, expect: {json: {$.a: 1}}}").steps
    assert "body: expected JSON, came application/json" in step.detail
    assert said in step.detail
    assert len(step.detail) < 400


def test_a_request_is_sent_once_even_when_the_connection_is_dropped(service: Service) -> None:
    service.routes["POST /x"] = Reply(200, b"", {"Content-Length": "50", "Connection": "close"})
    result = run(service, "- {name: a, request: {method: POST, path: /x, json: null}}")
    assert result.of(Outcome.FAILED)
    assert [one.body for one in service.seen] == [b"null"]


def test_metric_families_with_labels(service: Service) -> None:
    steps = """\
    - name: ok
      metrics: {families: [{name: rl_training_loss, labels: {version: canary}}]}
    - name: other label
      metrics: {families: [{name: rl_training_loss, labels: {version: production}}]}
    - {name: typo, metrics: {families: [rl_training_los]}}
    - {name: no page, metrics: {path: /metricz, families: [rl_training_loss]}}
    """
    said = {step.name: step.detail for step in run(service, steps).of(Outcome.FAILED)}
    assert set(said) == {"other label", "typo", "no page"}
    assert (
        "1 samples, none of them so, such as rl_training_loss{version='canary'}"
        in (said["other label"])
    )
    assert "(did you mean 'rl_training_loss'?)" in said["typo"]
    assert said["no page"] == "status: expected 200, came 404: nothing here"
