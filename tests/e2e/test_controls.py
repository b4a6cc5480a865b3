"""What people ask of a running rollout from another terminal, in every phase of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from canaryctl.core.control import Verb
from tests.e2e.harness import Event, Running, Tool
from tests.e2e.local_world import LocalWorld, one_clear_message, together

pytestmark = pytest.mark.usefixtures("local_traffic")

ALL = {
    "pause": ["pause"],
    "continue": ["continue"],
    "advance": ["advance"],
    "hold": ["hold"],
    "abort": ["abort"],
    "approve": ["approve", "--as", "engineering"],
}


class Asked:
    """A rollout, and the second terminal."""

    def __init__(self, local: LocalWorld, tool: Tool, config: Path) -> None:
        self.local, self.tool, self.config = local, tool, config
        self.rollout: Running = tool.rollout(config)

    def refuses(self, wrong: dict[str, str], **more: Sequence[str]) -> None:
        """Assert that each of these verbs is refused with these words, and changes nothing."""
        before = self.local.in_force()
        commands = ALL | more
        for said, ended in zip(
            wrong.values(),
            together(self.tool, self.config, *(commands[verb] for verb in wrong)),
            strict=True,
        ):
            one_clear_message(ended, "cannot", said)
            assert ended.out == ""
        assert self.local.in_force() == before
        assert self.rollout.runs

    def does(self, *command: str, says: str) -> None:
        """Assert that this is done."""
        ended = self.tool.run(*command, config=self.config)
        assert ended.code == 0, ended.err + self.rollout.heard()
        assert says in ended.out
        assert ended.err == ""

    def waits(self, **fields: object) -> Event:
        """Wait until it waits for this."""
        return self.rollout.wait_for(
            lambda e: (
                e["event"] == "wait" and e["status"] == "begun" and fields.items() <= e.items()
            ),
            f"a wait with {fields}",
        )


def test_without_a_rollout_each_says_so(local: LocalWorld, tool: Tool) -> None:
    config, before = local.config(), local.in_force()
    for ended in together(tool, config, *ALL.values()):
        one_clear_message(ended, "no rollout runs at this gateway", "canaryctl status")
    assert local.in_force() == before
    assert not local.desk.exists()


def test_each_works_in_its_phase_and_in_no_other(local: LocalWorld, tool: Tool) -> None:
    stages = [{"pause": {}}, 5, {"approve": ["engineering", "product"]}, 25, {"pause": "2s"}, 50]
    asked = Asked(local, tool, local.config(stages=stages))

    asked.waits(pause=None, stage=None)
    already = "waits already: it waits for `canaryctl continue`"
    at_zero = "no approval is waited for at 0 %, before the first stage"
    asked.refuses({"pause": already, "hold": already, "approve": at_zero})
    assert local.in_force()["weight"] == "0"

    asked.does("continue", "--reason", "numbers look fine", says="goes on from 0 %")
    asked.rollout.proven(5)
    nothing = "nothing is paused or held: it is observed at stage 1 of 3 (5 %)"
    asked.refuses({"continue": nothing, "approve": "no approval is waited for at stage 1 of 3"})

    asked.does("pause", says="paused at stage 1 of 3 (5 %)")
    asked.refuses({"pause": "it is already paused by", "approve": "no approval is waited for"})
    asked.does("continue", says="goes on at stage 1 of 3 (5 %)")
    asked.does("hold", says="stays at stage 1 of 3 (5 %) when its time is up")
    asked.refuses({"hold": "it is already held by", "approve": "no approval is waited for"})
    asked.does("advance", says="the rest of stage 1 of 3 (5 %) is skipped")

    asked.waits(approve=["engineering", "product"])
    for_both = "it waits for the approval of engineering, product"
    asked.refuses(
        {
            "pause": for_both,
            "continue": for_both,
            "advance": for_both,
            "hold": for_both,
            "stranger": "'marketing' is not one of engineering, product (--as)",
        },
        stranger=["approve", "--as", "marketing"],
    )
    asked.does("approve", "--as", "engineering", says="still missing: product")
    asked.refuses({"approve": "engineering has approved already", "advance": "approval of product"})
    assert local.in_force()["weight"] == "5"
    asked.does("approve", "--as", "product", "--reason", "demo seen", says="it goes on")
    asked.rollout.proven(25)

    asked.does("advance", says="the rest of stage 2 of 3 (25 %) is skipped")
    asked.waits(pause=2.0)
    asked.rollout.proven(50)  # the pause was over by itself
    asked.does("abort", "--reason", "enough seen", says="goes back to 0 % from stage 3 of 3 (50 %)")
    ended = asked.rollout.end(within=60)
    assert ended.code == 130, ended.err
    assert "Traceback" not in ended.err
    assert ended.weights() == [0, 5, 25, 50, 0]
    assert ended.outcome["cause"] == "aborted"
    assert "enough seen" in ended.outcome["reason"]
    assert local.in_force()["weight"] == "0"
    assert not local.lease.exists()
    _on_record(tool, asked.config, [e for e in ended.events if e["event"] == "control"])


def _on_record(tool: Tool, config: Path, heard: list[Event]) -> None:
    """Assert that each control is an event with who, when and why, here and in the journal."""
    assert all("@" in one["who"] and one["at"].endswith("Z") and one["answer"] for one in heard)
    done = [(one["verb"], one["why"], one["role"]) for one in heard if one["accepted"]]
    assert done == [
        ("continue", "numbers look fine", None),
        ("pause", "", None),
        ("continue", "", None),
        ("hold", "", None),
        ("advance", "", None),
        ("approve", "", "engineering"),
        ("approve", "demo seen", "product"),
        ("advance", "", None),
        ("abort", "enough seen", None),
    ]
    assert len(heard) - len(done) == 16
    listed = tool.run("history", "--output", "json", config=config)
    newest = json.loads(listed.out.splitlines()[0])["id"]
    as_text, as_json = (
        tool.run("history", newest, *more, config=config) for more in ([], ["--output", "json"])
    )
    kept = [e for e in as_json.events if e["kind"] == "controlled"]
    assert [
        (e["event"]["verb"], e["event"]["who"], e["event"]["why"], e["answer"]["said"])
        for e in kept
    ] == [(e["verb"], e["who"], e["why"], e["answer"]) for e in heard]
    assert all(isinstance(e["at"], float) for e in kept)
    for said in ("numbers look fine", "Approved as product by", "demo seen", "enough seen"):
        assert said in as_text.out, as_text.out


def test_what_is_held_stays_when_its_time_is_up(local: LocalWorld, tool: Tool) -> None:
    asked = Asked(local, tool, local.config(stages=[10, 100], observe="5s"))
    asked.rollout.proven(10)
    local.ask(Verb.HOLD)
    asked.waits(pause=None, stage=1)
    already = "waits already: it waits for `canaryctl continue`"
    asked.refuses({"pause": already, "hold": already, "approve": "no approval is waited for"})
    assert local.in_force()["weight"] == "10"
    asked.does("continue", says="goes on from stage 1 of 2 (10 %)")
    ended = asked.rollout.end(within=60)
    assert ended.code == 0, ended.err
    assert ended.weights() == [0, 10, 100]


def test_a_paused_stage_does_not_end_and_is_still_judged(local: LocalWorld, tool: Tool) -> None:
    asked = Asked(local, tool, local.config(stages=[50, 100], observe="4s"))
    asked.rollout.proven(50)
    local.ask(Verb.PAUSE)
    asked.rollout.wait_for(
        lambda e: (
            e["event"] == "evaluation"
            and e["observed"] > 5
            and (e["paused"] or "").startswith("paused by")
        ),
        "judged past its time",
    )
    assert local.in_force()["weight"] == "50"
    local.fault(errors=1.0)
    ended = asked.rollout.end(within=60)
    assert ended.code == 1, ended.err
    assert ended.outcome["cause"] == "gate_failed"
    assert local.in_force()["weight"] == "0"


def test_an_approval_may_be_the_first_thing(local: LocalWorld, tool: Tool) -> None:
    asked = Asked(local, tool, local.config(stages=[{"approve": ["engineering"]}, 100]))
    asked.waits(approve=["engineering"])
    for_it = "it waits for the approval of engineering"
    asked.refuses(dict.fromkeys(["pause", "continue", "advance", "hold"], for_it))
    others = [["rollout", "--version", "v0.3.0"], ["resume"], ["retry"], ["recover"]]
    for ended in together(tool, asked.config, *others):
        one_clear_message(ended, "another rollout holds this gateway", code=5)
    asked.does("abort", says="goes back to 0 % from 0 %, before the first stage")
    assert asked.rollout.end(within=60).code == 130
    # The id of an ended rollout's request is nobody's: a later word finds no rollout.
    one_clear_message(tool.run("abort", config=asked.config), "no rollout runs at this gateway")
