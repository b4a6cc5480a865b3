"""Each way to be broken is named at exactly its step, with what was expected and what came."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from canaryctl.core.errors import ConfigError
from canaryctl.drivers.clock import SystemClock
from canaryctl.smoke.load import load_suite, shipped_suite, suite_of
from canaryctl.smoke.log_file import FileLogs
from canaryctl.smoke.result import Outcome, Result, StepResult
from canaryctl.smoke.run import run_suite
from canaryctl.smoke.suite import Suite
from canaryctl.smoke.target import Target
from tests.smoke.faulty_service import Reply, Service, page, reply
from tests.test_demo_service import running

HTML = {"Content-Type": "text/html"}


def quick(text: str | None = None) -> Suite:
    """Give the shipped suite, with its waits cut short."""
    given = shipped_suite().read_text() if text is None else text
    for long in ("within: 10s", "within: 5s"):
        given = given.replace(long, "within: 600ms")
    return suite_of(given.replace("timeout: 30s", "timeout: 1s"), "s.yaml", {})


def run(service: Service, suite: Suite | None = None) -> Result:
    target = Target("canary", service.url, FileLogs([service.log]))
    return run_suite(suite or quick(), target, SystemClock())


def only(result: Result, outcome: Outcome = Outcome.FAILED) -> StepResult:
    (found,) = result.of(outcome)
    return found


def test_the_shipped_suite_passes_against_the_real_service(tmp_path: Path) -> None:
    told: list[StepResult] = []
    with running(tmp_path) as demo:
        target = Target("canary", demo.url, FileLogs([demo.child.log]))
        result = run_suite(load_suite(), target, SystemClock(), told.append)
    assert result.passed, result
    assert [step.outcome for step in result.steps] == [Outcome.PASSED] * 7
    assert told == list(result.steps)
    assert result.summary.startswith("PASS: 7 passed, 0 failed in ")


def missing_id(service: Service) -> None:
    service.routes["POST /dna/create"] = reply({"id": "dna-1"}, 201)


def null_id(service: Service) -> None:
    service.routes["POST /dna/create"] = reply({"dna_id": None}, 201)


def empty_id(service: Service) -> None:
    service.routes["POST /dna/create"] = reply({"dna_id": ""}, 201)


def two_options(service: Service) -> None:
    two = {"experiment_id": "exp-1", "options": [{"id": 1}, {"id": 2}]}
    service.routes["POST /evolve/options"] = reply(two)


def no_experiment(service: Service) -> None:
    service.routes["POST /evolve/options"] = reply({"options": [1, 2, 3]})


def log_lacks_a_field(service: Service) -> None:
    service.lines["POST /evolve/options"] = ['{"event": "llm_brief", "mode": "creative"}']


def no_log_line(service: Service) -> None:
    service.lines["POST /evolve/feedback"] = ["something else"]


def silent_log(service: Service) -> None:
    service.lines = {"POST /evolve/options": service.lines["POST /evolve/options"]}


def other_mode(service: Service) -> None:
    line = {"event": "llm_brief", "mode": "fast", "elapsed_ms": 12}
    service.lines["POST /evolve/options"] = [json.dumps(line)]


def metric_is_absent(service: Service) -> None:
    service.routes["GET /metrics"] = page("# TYPE rl_training_loss gauge\nrl_training_loss 1\n")


def metric_has_no_sample(service: Service) -> None:
    text = "# TYPE llm_brief_schema_failures_total counter\n# TYPE rl_training_loss gauge\n"
    service.routes["GET /metrics"] = page(text)


def metrics_are_html(service: Service) -> None:
    service.routes["GET /metrics"] = Reply(body=b"<html>login</html>", headers=HTML)


def metrics_fail(service: Service) -> None:
    service.routes["GET /metrics"] = Reply(503, b"busy", {"Content-Type": "text/plain"})


def wrong_status(service: Service) -> None:
    service.routes["POST /evolve/feedback"] = reply({"error": "no such experiment"}, 500)


def redirected(service: Service) -> None:
    service.routes["GET /health"] = Reply(302, b"", {"Location": "/login"})


def times_out(service: Service) -> None:
    service.routes["POST /evolve/options"].delay = 5


def drips(service: Service) -> None:
    service.routes["POST /evolve/options"].drip = 0.1


def no_json(service: Service) -> None:
    service.routes["POST /dna/create"] = Reply(200, b"<html>502 Bad\nGateway</html>", HTML)


def nan(service: Service) -> None:
    service.routes["POST /dna/create"] = Reply(200, b'{"dna_id": NaN}')


def no_body(service: Service) -> None:
    service.routes["POST /dna/create"] = Reply(201, b"")


@pytest.mark.parametrize(
    ("fault", "step", "said"),
    [
        (missing_id, "create dna", "$.dna_id: expected a value, came nothing ($ has id)"),
        (null_id, "create dna", "$.dna_id: expected a value, came null"),
        (empty_id, "create dna", '$.dna_id: expected a value to save as dna_id, came ""'),
        (two_options, "evolve options", "$.options: expected length 3, came length 2: [{"),
        (no_experiment, "evolve options", "$.experiment_id: expected a value, came nothing"),
        (log_lacks_a_field, "log llm_brief", "expected field elapsed_ms, came a line without: {"),
        (no_log_line, "log rl_update", "expected a line rl_update within 0.6 s, came none among 2"),
        (silent_log, "log rl_update", "expected a line rl_update within 0.6 s, came none among 1"),
        (
            other_mode,
            "log llm_brief",
            'llm_brief.mode in the log: expected "creative", came "fast"',
        ),
        (metric_is_absent, "metrics", "expected metric llm_brief_schema_failures_total, came none"),
        (metric_has_no_sample, "metrics", "expected a sample of rl_training_loss, came the family"),
        (metrics_are_html, "metrics", "expected a metrics page, came"),
        (metrics_fail, "metrics", "status: expected 200, came 503: busy"),
        (wrong_status, "evolve feedback", 'came 500 Internal Server Error: {"error": "no such'),
        (redirected, "health", "status: expected 200, came 302 Found to /login"),
        (times_out, "evolve options", "none from http://127.0.0.1:PORT: no answer within 1 s"),
        (drips, "evolve options", "no complete answer within 1 s"),
        (
            no_json,
            "create dna",
            "body: expected JSON, came text/html: <html>502 Bad Gateway</html>",
        ),
        (
            nan,
            "create dna",
            'body: expected JSON, came application/json, NaN is no JSON: {"dna_id": NaN}',
        ),
        (no_body, "create dna", "body: expected JSON, came application/json: an empty body"),
    ],
)
def test_a_fault_is_named_at_its_step(
    service: Service, fault: Callable[[Service], None], step: str, said: str
) -> None:
    fault(service)
    result = run(service)
    assert not result.passed
    failed = only(result)
    assert failed.name == step
    assert said.replace("PORT", str(service.port)) in failed.detail
    assert result.summary.endswith(f"; failed: {step}")


def test_what_needs_a_missing_value_is_skipped_and_says_whose_it_is(service: Service) -> None:
    missing_id(service)
    skipped = {step.name: step.detail for step in run(service).of(Outcome.SKIPPED)}
    assert skipped == {
        "evolve options": "needs dna_id of step 'create dna'",
        "evolve feedback": "needs experiment_id of step 'evolve options'",
        "log llm_brief": "comes after step 'evolve options', which was not answered as expected",
        "log rl_update": "comes after step 'evolve feedback', which was not answered as expected",
    }


def test_two_options_leave_the_other_steps_to_be_tested(service: Service) -> None:
    two_options(service)
    assert len(run(service).of(Outcome.PASSED)) == 6


def test_nobody_there_fails_once_and_says_where() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        result = run_suite(quick(), Target("canary", url), SystemClock())
    failed = only(result)
    assert (failed.name, len(result.of(Outcome.SKIPPED))) == ("health", 6)
    assert f"none from {url}: no connection: " in failed.detail
    assert "see whether it runs" in failed.next_step


def test_no_log_to_look_into_is_a_failure_that_says_how_to_name_one(service: Service) -> None:
    result = run_suite(quick(), Target("canary", service.url), SystemClock())
    assert [step.name for step in result.of(Outcome.FAILED)] == ["log llm_brief", "log rl_update"]
    assert "--container NAME or --log-file FILE" in result.of(Outcome.FAILED)[0].next_step
    left_out = run_suite(quick(), Target("c", service.url), SystemClock(), skip_logs=True)
    assert left_out.passed
    assert [step.detail for step in left_out.of(Outcome.SKIPPED)] == ["logs are left out"] * 2


def test_leaving_everything_out_is_no_pass(service: Service) -> None:
    suite = suite_of("name: n\nsteps:\n - {name: a, logs: {event: e}}\n", "s", {})
    result = run_suite(suite, Target("c", service.url), SystemClock(), skip_logs=True)
    assert not result.passed
    assert result.summary.endswith("; nothing was tested")


def test_what_was_logged_before_the_run_does_not_count(service: Service) -> None:
    service.write([line for lines in service.lines.values() for line in lines])
    service.lines = {}
    failed = [step.name for step in run(service).of(Outcome.FAILED)]
    assert failed == ["log llm_brief", "log rl_update"]


def test_a_log_that_cannot_be_read_says_so(service: Service, tmp_path: Path) -> None:
    logs = FileLogs([tmp_path / "nowhere.log"])
    result = run_suite(quick(), Target("c", service.url, logs), SystemClock())
    assert "nowhere.log: expected to be readable, came" in result.of(Outcome.FAILED)[0].detail


@pytest.mark.parametrize(
    "url", ["ftp://x", "127.0.0.1:80", "http://", "http://x/?a=b", "http://x:y"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="the URL: "):
        run_suite(quick(), Target("c", url), SystemClock())
