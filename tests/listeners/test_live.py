"""The display on a terminal."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from datetime import UTC

import pytest
from rich.console import Console

from canaryctl.core.events import GatewaySilent, Interrupted, MetricsSilent, TrafficUnproven
from canaryctl.core.gate import Finding, Status
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.listeners.line import cells, line, toned
from canaryctl.listeners.live import Hanging, LiveListener, Terminal
from canaryctl.listeners.panel import body, header, squeezed
from canaryctl.listeners.story import Story
from tests.listeners.walk import BANNER, LOSS, NO_LOSS, SCHEMA, Walk, errors, healthy, plan

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(width: int = 100, height: int = 50) -> tuple[Console, Tty]:
    out = Tty()
    console = Terminal(
        file=out, force_terminal=True, record=True, width=width, height=height, legacy_windows=False
    )
    return console, out


def walk(width: int = 100, height: int = 50) -> tuple[Walk, LiveListener, Tty]:
    console, out = terminal(width, height)
    listener = LiveListener(BANNER, console, zone=UTC)
    return Walk([listener], State(plan(observe=60.0))), listener, out


def drawn(out: Tty) -> list[str]:
    return CONTROL.sub("", out.getvalue()).replace("\r", "\n").split("\n")


def newest(out: Tty) -> str:
    """The last picture: everything after the last upper edge."""
    text = "\n".join(drawn(out))
    return text[text.rindex("╭") :]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_a_whole_rollout_stays_within_the_terminal(width: int) -> None:
    stroll, _, out = walk(width)
    stroll.begin().to_the_end()
    assert max(cells(row) for row in drawn(out)) <= width
    text = "\n".join(drawn(out))
    for wanted in ("[STAGE 1/4] 1% Canary Traffic", "[STAGE 4/4] 100% Canary Traffic"):
        assert wanted in text
    assert "SUCCEEDED  fragrance-ai v0.2.0" in text
    assert out.getvalue().count(HIDE) == out.getvalue().count(SHOW) == 1


def test_the_present_stage() -> None:
    stroll, listener, out = walk(80)
    stroll.begin().stage().judge(errors(1, 1000), *healthy(1000)[1:-1], NO_LOSS).wait()
    listener.close()
    picture = newest(out)
    for wanted in (
        "│ weights   stable 95 % / canary 5 %",
        "│ proven    at NGINX: generation 14-ab12, 0.19 s",
        "│ ├─ ✓ error rate        0.1 %  ≤ 0.5 %  0.08 %    1,000",
        "│ │  ├─ ✓ fast          1.31 s  ≤ 2.5 s   1.1 s      600",
        "│ └─ – training loss         –    ≤ 0.8     0.4",
        "│ Verdict: wait: training loss: no data: no fresh rl_training_loss of the",
        "  25 % │",
        "│ 45 s left · 15 s of 1 min observed · next evaluation in 5 s",
    ):
        assert wanted in picture, picture
    assert "  1 % ✓ → 5 % ● → 25 % → 100 %" in drawn(out)
    assert "✓ stage 1/4, 1 %, passed in 1 min: every gate passed, 6 evaluations" in drawn(out)


def test_a_rollback_says_why_and_that_it_is_proven() -> None:
    stroll, _, out = walk()
    stroll.begin().judge(errors(9, 900))
    assert "│ weights   setting stable 100 % / canary 0 % …" in newest(out)
    assert "│ reason    gate failed: error rate: 9 of 900" in newest(out)
    stroll.prove()
    rows = [row.rstrip() for row in drawn(out)]
    told = [
        "Verdict: rollback: error rate: 9 of 900 requests: 1.000% is above its limit (≤ 0.5 %)",
        "Weights: stable 100 % / canary 0 %, proven at NGINX: generation 14-ab12, 0.19 s",
        "ROLLED BACK  fragrance-ai v0.2.0",
    ]
    places = [rows.index(text) for text in told]
    assert places == sorted(places)
    assert all(rows.count(text) == 1 for text in told)
    assert "  1 % ✗ → 5 % → 25 % → 100 %" in rows


def test_an_interrupted_display_leaves_its_state_and_the_terminal() -> None:
    stroll, listener, out = walk()
    before = sys.stdout, sys.stderr
    stroll.begin().judge(*healthy(400))
    assert sys.stdout is not before[0]
    listener.close()
    listener.close()
    assert (sys.stdout, sys.stderr) == before
    assert out.getvalue().rindex(SHOW) > out.getvalue().rindex(HIDE)
    assert "✓ error rate" in newest(out)
    assert "╰" in newest(out)


def test_every_attempt_to_go_back_is_kept() -> None:
    stroll, _, out = walk(140)
    stroll.begin().event(Interrupted(stroll.now, "Ctrl-C"))
    for _ in range(3):
        stroll.event(TrafficUnproven(stroll.now, Weight.ZERO, "no answer"))
    text = "\n".join(drawn(out))
    assert "Interrupted: Ctrl-C" in text
    assert "UNKNOWN  fragrance-ai v0.2.0" in text
    assert text.count("Weights not proven: stable 100 % / canary 0 %: no answer") == 3


def test_a_silence_is_kept_once_and_lives_in_the_panel() -> None:
    stroll, _, out = walk(140)
    stroll.begin()
    for _ in range(3):
        stroll.wait().event(MetricsSilent(stroll.now, "refused"))
    assert "waiting for metrics, 20 s so far" in newest(out)
    for _ in range(3):
        stroll.now += 1.0
        stroll.event(GatewaySilent(stroll.now, "timed out"))
    stroll.judge(*healthy(400))
    text = "\n".join(drawn(out))
    assert text.count("Metrics source does not answer: refused") == 1
    assert text.count("control listener does not answer: timed out") == 1
    assert text.count("Metrics source silent") == 0
    assert "listener answers again" in text
    assert "Verdict: clear so far" not in text[: text.rindex("╭")].split("╰")[-1]


def evil() -> Finding:
    return replace(
        LOSS,
        gate="[red]x[/red]\x1b[2J",
        part=":boom: [link=http://a]b[/link]\n",
        status=Status.NO_DATA,
        value=None,
        reason="[/bold] \x1b]0;title\x07 \u202e",
    )


def test_nothing_from_outside_is_interpreted() -> None:
    stroll, _, out = walk(140)
    stroll.begin().judge(SCHEMA, evil())
    picture = newest(out)
    assert r"[red]x[/red]\x1b[2J" in picture
    assert r":boom: [link=http://a]b[/link]\n" in picture
    flat = " ".join(picture.replace("│", " ").split())
    assert r"no data: [/bold] \x1b]0;title\x07 \u202e" in flat
    raw = out.getvalue()
    assert "\x1b[2J" not in raw.removeprefix(raw[: raw.index(HIDE)])
    assert "\x07" not in raw


def test_a_low_terminal_keeps_weights_verdict_and_progress() -> None:
    stroll, _, out = walk(80, 16)
    stroll.begin().judge(*healthy(400))
    picture = newest(out)
    assert "weights   stable 99 %" in picture
    assert "more lines" in picture
    assert "Verdict: clear so far" in picture
    assert "left · 10 s of 1 min observed" in picture
    assert picture.count("\n") <= 15


def test_squeezing_takes_blank_lines_first() -> None:
    lines = (line("a"), line(), line("b"), line(), toned(line("c").spans[0].tone, "c"), line("d"))
    assert [one.text for one in squeezed(lines, 4)] == ["a", "b", "c", "d"]
    assert squeezed(lines, 6) == lines


def test_a_dumb_terminal_gets_lasting_lines_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stroll, _, out = walk()
    stroll.begin().to_the_end()
    assert HIDE not in out.getvalue()
    assert "╭" not in out.getvalue()
    assert "SUCCEEDED" in out.getvalue()


def test_an_ascii_terminal_is_not_sent_what_it_cannot_show() -> None:
    raw = io.BytesIO()
    console = Terminal(
        file=io.TextIOWrapper(raw, encoding="ascii"), force_terminal=True, width=80, height=40
    )
    stroll = Walk([LiveListener(BANNER, console, zone=UTC)], State(plan("5", observe=20.0)))
    stroll.begin().to_the_end()
    console.file.flush()
    shown = CONTROL.sub("", raw.getvalue().decode("ascii"))
    assert "+ error rate" in shown
    assert "SUCCEEDED" in shown


@pytest.mark.parametrize("error", [BrokenPipeError, OSError, ValueError])
@pytest.mark.parametrize("lines", [0, 3, 40])
def test_a_lost_terminal_ends_nothing(error: type[Exception], lines: int) -> None:
    class Lost(Tty):
        left = lines

        def write(self, text: str) -> int:
            if self.left <= 0:
                raise error
            self.left -= 1
            return super().write(text)

        def fileno(self) -> int:
            raise OSError

    before = sys.stdout, sys.stderr
    console = Terminal(file=Lost(), force_terminal=True, width=80, height=40)
    listener = LiveListener(BANNER, console, zone=UTC)
    stroll = Walk([listener], State(plan("5", observe=60.0))).begin().to_the_end()
    assert stroll.state.phase is Phase.ENDED
    listener.close()
    assert (sys.stdout, sys.stderr) == before


def test_the_header_shows_where_a_rollout_stands() -> None:
    console, _ = terminal()
    stroll = Walk([LiveListener(BANNER, console, zone=UTC)], State(plan("1", "50", "100")))
    assert header(stroll.state).text == "1 % → 50 % → 100 %"
    stroll.begin()
    assert header(stroll.state).text == "1 % ● → 50 % → 100 %"
    stroll.stage()
    assert header(stroll.state).text == "1 % ✓ → 50 % ● → 100 %"
    stroll.judge(errors(9, 900))
    assert header(stroll.state).text == "1 % ✓ → 50 % ✗ → 100 %"


def test_the_panel_before_the_first_stage() -> None:
    stroll = Walk([], State(plan()))
    assert [one.text for one in body(stroll.state, Story(), None, 0.0, 80)] == [
        "weights   not proven"
    ]


def test_a_folded_line_hangs_under_its_text() -> None:
    console, _ = terminal(width=24)
    with console.capture() as seen:
        console.print(Hanging(line("label     ", "one two six three four", hang=10)))
    assert CONTROL.sub("", seen.get()).splitlines() == [
        "label     one two six",
        "          three four",
    ]
