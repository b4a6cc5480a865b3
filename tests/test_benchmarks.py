"""Each benchmark runs in its smallest form and gives its figures; none is judged here."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.figure import Benchmark, Figure, NotRunnable, Settings, interleaved
from benchmarks.table import table

ROOT = Path(__file__).resolve().parent.parent
FIELDS = {
    *("benchmark", "name", "median", "min", "max", "runs", "values"),
    *("at_most", "met", "note"),
}

Quick = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def quick(tmp_path: Path) -> Quick:
    """Run one benchmark as ``make bench`` does, and give its figures."""

    def run(name: str) -> list[dict[str, Any]]:
        file = tmp_path / "figures.json"
        ended = subprocess.run(
            [sys.executable, "-m", "benchmarks", name, "--quick", "--json", str(file)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr + ended.stdout
        written = json.loads(file.read_text(encoding="utf-8"))
        assert written["not_run"] == written["failed"] == {}
        figures: list[dict[str, Any]] = written["figures"]
        for figure in figures:
            assert set(figure) == FIELDS
            assert figure["benchmark"] == name
            assert len(figure["values"]) == figure["runs"] >= 1
            assert all(math.isfinite(value) and value >= 0 for value in figure["values"])
            assert figure["min"] <= figure["median"] <= figure["max"]
            assert figure["name"] in ended.stdout
        return figures

    return run


@pytest.mark.docker
@pytest.mark.usefixtures("base_image")
def test_weight_change(quick: Quick) -> None:
    figures = quick("weight_change")
    assert figures[0]["name"] == "in process, proven ÷ docker cp + two docker exec"
    assert figures[0]["median"] > 0
    assert figures[0]["at_most"] == 1.5
    parts = [one for one in figures if one["name"].endswith("÷ the change")]
    assert len(parts) >= 8


def test_lost_requests(quick: Quick) -> None:
    ours = quick("lost_requests")[0]
    assert ours["at_most"] == 0  # the packaged NGINX keeps idle connections
    assert ours["median"] == 0
    assert "50 keep-alive connections: 0 of " in ours["note"]


def test_share(quick: Quick) -> None:
    figures = quick("share")
    shares = {one["name"].removeprefix("observed ÷ configured at "): one for one in figures}
    assert {"1 %", "0.5 %", "5 % over 3+2 servers", "1 %, without `zone`"} == set(shares)
    # NGINX deals out in turn: a few hundred requests are off by one at most.
    for name in ("1 %", "0.5 %", "5 % over 3+2 servers"):
        assert shares[name]["median"] == pytest.approx(1, abs=0.51)


def test_startup(quick: Quick) -> None:
    by_name = {one["name"]: one for one in quick("startup")}
    assert set(by_name) == {
        "canaryctl --help ÷ python -c pass",
        "canaryctl --help ÷ python -c pass, processor time",
        "canaryctl status ÷ python -c pass",
        "canaryctl rollback ÷ python -c pass",
        "canaryctl rollback without the change ÷ python -c pass",
    }
    assert by_name["canaryctl --help ÷ python -c pass"]["at_most"] == 8
    assert all(figure["median"] > 1 for figure in by_name.values())


def test_detection(quick: Quick) -> None:
    whole, judged, proven = (figure["values"][0] for figure in quick("detection"))
    assert whole == pytest.approx(judged + proven)
    assert proven > 0


def _stands_in(benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "BENCHMARKS", {"one": benchmark})


def test_one_that_cannot_run_says_why_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def needs_docker(_: Settings) -> list[Figure]:
        raise NotRunnable("needs a Docker Engine")

    _stands_in(needs_docker, monkeypatch)
    assert benchmarks.main(["one"]) == 0
    assert "not run: one: needs a Docker Engine" in capsys.readouterr().out


def test_one_that_breaks_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: Settings) -> list[Figure]:
        raise RuntimeError("the load ended first")

    _stands_in(broken, monkeypatch)
    assert benchmarks.main([]) == 1
    assert "failed: one: RuntimeError: the load ended first" in capsys.readouterr().out


def test_a_missed_promise_is_shown_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(settings: Settings) -> list[Figure]:
        return [Figure("one", "a ÷ b", (9.0,) * settings.repeats(5, 1), at_most=8)]

    _stands_in(slow, monkeypatch)
    assert benchmarks.main(["one", "--runs", "3"]) == 0
    assert "≤ 8 MISSED" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["nonsense"], ["--runs", "0"], ["--runs", "1001"]])
def test_wrong_arguments(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        benchmarks.main(wrong)
    assert ended.value.code == 2


def test_a_docker_engine_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/docker")
    with pytest.raises(NotRunnable, match="needs a Docker Engine"):
        list(benchmarks.BENCHMARKS["weight_change"](Settings(quick=True)))


def test_rounds_are_interleaved_and_the_first_is_not_counted() -> None:
    acts: list[str] = []

    def act(name: str) -> Callable[[], float]:
        def done() -> float:
            acts.append(name)
            return float(len(acts))

        return done

    assert interleaved([act("a"), act("b")], 2) == [(3.0, 4.0), (5.0, 6.0)]
    assert "".join(acts) == "ababab"


def test_the_table_lines_up() -> None:
    figures = [
        Figure("x", "a ÷ b", (1.0, 3.0, 2.0), at_most=2.5, note="on a bench"),
        Figure("longer", "c ÷ d", (0.5,)),
    ]
    head, first, note, second = table(figures)
    assert first.split() == ["x", "a", "÷", "b", "2", "1", "3", "3", "≤", "2.5", "kept"]
    assert note.strip() == "on a bench"
    assert second.index("c ÷ d") == first.index("a ÷ b") == head.index("ratio")
