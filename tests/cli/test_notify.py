"""`canaryctl notify test`: does a message reach every channel?"""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.harness import Tool
from tests.recorded import configured
from tests.sink import sink


def config(folder: Path, more: str) -> Path:
    path = folder / "canary.yaml"
    path.write_text(configured(more))
    return path


def test_each_channel_is_tried_and_told_of(tmp_path: Path) -> None:
    tool = Tool(tmp_path / "state")
    with sink() as there:
        channels = f"""
notify:
  - {{name: team, to: "{there.channel}/team", severity: critical}}
  - {{name: on-call, to: "json://ann:sesame-open@127.0.0.1:1/"}}
"""
        both = tool.run("notify", "test", config=config(tmp_path, channels))
        one = tool.run("notify", "test", "--channel", "team", config=tmp_path / "canary.yaml")
        as_json = tool.run("notify", "test", "-o", "json", config=tmp_path / "canary.yaml")
        wrong = tool.run("notify", "test", "--channel", "tema", config=tmp_path / "canary.yaml")
    assert both.code == 4
    team, gone, last = both.out.splitlines()
    assert team.startswith("✓ team     delivered (")
    assert gone.startswith("✗ on-call  A Connection error occurred")
    assert last.startswith("1 of 2 channels not reached")
    assert "sesame" not in both.out + both.err + as_json.out
    assert one.code == 0, one.err
    assert one.out.splitlines()[-1].startswith("1 channel reached")
    (said,) = map(json.loads, as_json.out.splitlines())
    assert [(c["name"], c["delivered"]) for c in said["channels"]] == [
        ("team", True),
        ("on-call", False),
    ]
    assert (wrong.code, "there are team, on-call" in wrong.err) == (2, True)
    message = there.told[0].body
    assert message["title"] == "shop: a test by canaryctl"
    assert "This is a test: nothing has happened." in message["message"]


def test_without_channels_it_says_how_to_add_one(tmp_path: Path) -> None:
    ended = Tool(tmp_path / "state").run("notify", "test", config=config(tmp_path, ""))
    assert ended.code == 2
    assert "no channels" in ended.err
    assert "next: add one: notify:" in ended.err
