"""While stable is being replaced nothing by hand sends traffic to it."""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.promotion import Phase
from canaryctl.core.promotion_record import parse_record
from tests.core.test_promotion import RECORD
from tests.e2e.harness import Tool
from tests.e2e.local_world import LocalWorld, one_clear_message, together


def test_by_hand_too(local: LocalWorld, tool: Tool) -> None:
    config = local.config()
    record = local.live.with_name(f"{local.live.name}.promotion")
    assert tool.run("weights", "set", "100", config=config).code == 0
    before = local.in_force()
    record.write_text(replace(RECORD, phase=Phase.REPLACING).text())
    try:
        ends = together(
            tool,
            config,
            ("rollback",),
            ("weights", "set", "0"),
            ("recover",),
            ("rollout", "--version", "v0.2.0"),
            ("resume",),
        )
        resumed = ends.pop()
        said = "it is the promotion of v0.2.0 that was interrupted here (replacing)"
        one_clear_message(resumed, said, "canaryctl promote --version v0.2.0")
        for one in ends:
            one_clear_message(one, "stable is being replaced by v0.2.0", "promote --version v0.2.0")
        assert local.in_force() == before
        assert parse_record(record.read_text()) is not None
        forced = tool.run("rollback", "--force", config=config)
        assert forced.code == 0, forced.err
        assert local.in_force()["weight"] == "0"
        assert not record.exists()
    finally:
        record.unlink(missing_ok=True)


def test_without_a_compose_project_it_says_what_to_do(local: LocalWorld, tool: Tool) -> None:
    config = local.config()
    promote = tool.run("promote", "--version", "v0.2.0", config=config)
    one_clear_message(promote, "has no `deploy:`", "weights set 0", code=2)
    deploy = tool.run("rollout", "--version", "v0.2.0", "--deploy", config=config)
    one_clear_message(deploy, "--deploy", "docs/deploy.md", code=2)
