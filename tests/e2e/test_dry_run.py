"""`rollout --dry-run` is for CI, where nothing can be reached."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.harness import Ended, Tool, World, with_a_mistake

CONFIG = {
    "service": "fragrance-ai",
    "versions": {"stable": {"address": "app:8000"}, "canary": {"address": "app-canary:8001"}},
    "gateway": {
        "driver": "docker",
        "container": "fragrance-ai-nginx",
        "config": "/etc/nginx/conf.d/canaryctl-upstream.conf",
    },
}


def written(
    folder: Path, port: int, template: str | None = None, stages: Sequence[Any] = (1, 5, 25, 100)
) -> Path:
    metrics = {"provider": "prometheus", "url": f"http://127.0.0.1:{port}"}
    config = CONFIG | {"metrics": metrics, "plan": {"stages": list(stages)}}
    if template is not None:
        (folder / "own.j2").write_text(template)
        config |= {"gateway": {**CONFIG["gateway"], "template": "own.j2"}}  # type: ignore[dict-item]
    path = folder / "canary.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def rehearsed_nowhere(tool: Tool, config: Path, *more: str, path: str | None = None) -> Ended:
    empty = str(config.parent)
    return tool.run(
        *("rollout", "--version", "v0.2.0", "--dry-run", *more),
        config=config,
        PATH=empty if path is None else path,
        DOCKER_HOST=f"unix://{empty}/no.sock",
    )


def test_with_nothing_reachable_the_plan_is_shown(
    tool: Tool, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    config = written(tmp_path, free_port())
    ended = rehearsed_nowhere(tool, config)
    assert ended.code == 0, ended.err
    for text in ("[STAGE 1/4] 1 %", "[STAGE 4/4] 100 %", "http_requests_total", "not reached"):
        assert text in ended.out
    assert "server app-canary:8001" in ended.out


def test_the_waits_between_stages_are_shown(
    tool: Tool, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    stages = [5, {"pause": "10m"}, 25, {"pause": {}}, {"approve": ["product", "on-call"]}, 100]
    ended = rehearsed_nowhere(tool, written(tmp_path, free_port(), stages=stages))
    assert ended.code == 0, ended.err
    shown = ended.out[ended.out.index("Plan:") : ended.out.index("Configuration")].splitlines()
    assert [line.strip() for line in shown if line][1:] == [
        "[STAGE 1/3] 5 % canary, observed for 15 min",
        "pause 10 min",
        "[STAGE 2/3] 25 % canary, observed for 15 min",
        "pause until continued",
        "approval of product, on-call",
        "[STAGE 3/3] 100 % canary, observed for 15 min",
    ]
    assert "besides its waits" in shown[0]


def test_with_deploy_its_steps_are_shown_and_compose_is_asked(
    tool: Tool, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    config = written(tmp_path, free_port())
    without = rehearsed_nowhere(tool, config, "--deploy")
    assert without.code == 2
    assert "--deploy: canary.yaml has no `deploy:`" in without.err

    parsed = yaml.safe_load(config.read_text())
    parsed["deploy"] = {"files": ["stack.yml"], "canary": {"services": ["new"], "variable": "V"}}
    config.write_text(yaml.safe_dump(parsed))
    nowhere = rehearsed_nowhere(tool, config, "--deploy")
    assert nowhere.code == 0, nowhere.err
    assert "Deployment of new in fragrance-ai (not done):\n  gateway: NGINX has" in nowhere.out
    assert "start: V=v0.2.0 into .env" in nowhere.out
    assert "– Compose: not reached from here" in nowhere.out
    assert "Deployment" not in rehearsed_nowhere(tool, config).out

    (tmp_path / ".env").write_text("V=v0.1.0\n")
    stack = tmp_path / "stack.yml"
    path = os.environ["PATH"]
    stack.write_text('version: "3.4"\nservices: {new: {image: "a/b:${V:?no version}"}}\n')
    fine = rehearsed_nowhere(tool, config, "--deploy", path=path)
    assert fine.code == 0, fine.err
    assert "✓ Compose: stack.yml accepted, with new" in fine.out
    assert (tmp_path / ".env").read_text() == "V=v0.1.0\n"
    stack.write_text('version: "3.4"\nservices: {old: {image: "a/b"}}\n')
    other = rehearsed_nowhere(tool, config, "--deploy", path=path)
    assert other.code == 2
    assert "deploy.canary.services: new is in none of stack.yml" in other.err
    stack.write_text('version: "3.4"\nservices: {new: {imagine: "a/b"}}\n')
    wrong = rehearsed_nowhere(tool, config, "--deploy", path=path)
    assert wrong.code == 2
    assert "imagine" in wrong.err


def test_a_template_that_cannot_be_rendered_fails_it(
    tool: Tool, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    config = written(tmp_path, free_port(), "upstream {% if %} {}\n")
    ended = rehearsed_nowhere(tool, config)
    assert ended.code == 2
    assert "gateway.template" in ended.err
    assert "Traceback" not in ended.err


def test_where_nginx_can_be_asked_it_is_and_nothing_changes(
    world: World, tool: Tool, tmp_path: Path
) -> None:
    before = world.in_force()
    fine = tool.run("rollout", "--version", "v0.2.0", "--dry-run", config=world.config())
    assert fine.code == 0, fine.err
    assert "accepts 0, 25, 100 %" in fine.out
    config = world.config(gateway={"template": str(with_a_mistake(tmp_path))})
    broken = tool.run("rollout", "--version", "v0.2.0", "--dry-run", config=config)
    assert broken.code == 2
    assert "keep_alive" in broken.err
    assert world.in_force()["generation"] == before["generation"]
