"""The rollout on a terminal: what is over scrolls up, the present moment stays below.

The only listener that imports Rich; import it where a terminal is there. Rich draws, it never
interprets: every span becomes a ``Text``, so markup in a metric's label is shown as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import tzinfo

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from canaryctl.core.commands import Command
from canaryctl.core.events import (
    Event,
    GatewaySilent,
    Judged,
    MetricsSilent,
    PreflightEnded,
    Started,
    WeightProven,
)
from canaryctl.core.state import Phase, State
from canaryctl.listeners.asked import begun_lines
from canaryctl.listeners.evidence import visible_lines
from canaryctl.listeners.line import Line, Span, Tone, in_ascii
from canaryctl.listeners.outlet import abandon
from canaryctl.listeners.panel import body, finished, header, squeezed, title
from canaryctl.listeners.silences import again, goes_on
from canaryctl.listeners.story import Story
from canaryctl.listeners.summary import closing
from canaryctl.listeners.words import (
    Banner,
    banner_lines,
    check_line,
    passed_now,
    preflight_line,
    told,
)

STYLES = {
    Tone.PLAIN: "",
    Tone.HEAD: "bold",
    Tone.GOOD: "green",
    Tone.BAD: "bold red",
    Tone.WARN: "yellow",
    Tone.FAINT: "dim",
}
WIDEST = 100
"""Columns beyond which a wider terminal adds only distance between a name and its value."""
_FRAME = 4
"""Columns of a panel's border and padding."""
_AROUND = 5
"""Lines around the panel's: a gap, the stages, two of border, the cursor's own."""


class Terminal(Console):
    """A console whose reader may go away; Rich's own ends the process then, traffic or not."""

    def on_broken_pipe(self) -> None:
        """Say no more."""
        abandon(self.file)
        self.quiet = True


@dataclass(frozen=True, slots=True)
class Hanging:
    """A line; where it has to be folded, its continuation is indented by ``line.hang``."""

    line: Line

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Fold for the columns there are."""
        text = styled(self.line.spans, ascii_only=options.ascii_only)
        hang = self.line.hang if self.line.hang < options.max_width // 2 else 0
        if text.cell_len <= options.max_width:
            yield text
            return
        head, tail = text.divide([hang])
        for number, piece in enumerate(tail.wrap(console, options.max_width - hang)):
            piece.rstrip()
            yield Text.assemble(head if number == 0 else " " * hang, piece)


def styled(spans: Iterable[Span], *, ascii_only: bool = False) -> Text:
    """Colour spans; nothing in them is read as markup."""
    text = Text()
    for span in spans:
        text.append(in_ascii(span.text) if ascii_only else span.text, STYLES[span.tone])
    return text


@dataclass(slots=True)
class LiveListener:
    """Shows a rollout on a terminal.

    There is no thread: it draws when it is told something, and ``close`` (or the rollout's
    end) leaves the last state on the screen and gives the terminal back.

    Attributes:
        banner: what is rolled out.
        console: a terminal's.
        zone: of the times in the closing block; None is this machine's.
    """

    banner: Banner
    console: Console
    zone: tzinfo | None = None
    _story: Story = field(default_factory=Story, init=False)
    _command: Command | None = field(default=None, init=False)
    _live: Live | None = field(default=None, init=False)
    _gone: bool = field(default=False, init=False)

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """Write what is over, draw what is now."""
        self._story.hear(event, state, command)
        self._command = command
        self._safely(lambda: self._shown(event, state))

    def ticked(self, state: State, now: float) -> None:
        """Move the bar."""
        self._safely(lambda: self._draw(state, now))

    def close(self) -> None:
        """Leave what is drawn and give the terminal back; may be called at any time, twice too."""
        live, self._live = self._live, None
        if live is not None:
            with suppress(OSError, ValueError, SystemExit):
                live.stop()

    def _safely(self, act: Callable[[], None]) -> None:
        """Go on without a terminal: a lost one must not end a rollout.

        A plain ``Console`` ends the *process* when a pipe breaks (``SystemExit``).
        """
        if self._gone:
            return
        try:
            act()
        except (OSError, ValueError, SystemExit):
            abandon(self.console.file)
            self._gone = self.console.quiet = True
            self.close()

    def _shown(self, event: Event, state: State) -> None:
        self._print(self._lasting(event, state))
        if state.phase is not Phase.ENDED:
            self._draw(state, event.at)
            return
        if self._live is not None:
            # The closing block says all that the panel did, so only the stages stay above it.
            self._live.update(self._header(state), refresh=True)
        self.close()
        width = min(self.console.width, WIDEST)
        self._print(closing(state, self._story, self.banner, zone=self.zone, width=width))

    def _lasting(self, event: Event, state: State) -> tuple[Line, ...]:
        """Give what is worth keeping above the live part."""
        match event:
            case Started():
                return (*banner_lines(self.banner, state.plan), Line())
            case PreflightEnded():
                unclear = [check for check in event.checks if check.passed is not True]
                return (*map(check_line, unclear), preflight_line(event), Line())
            case Judged():
                return self._judged(event, state)
            case _ if _drawn(event, state):
                return ()
            case _:
                return told(event, state, self._story.before)

    def _judged(self, event: Judged, state: State) -> tuple[Line, ...]:
        record, before = state.records[-1], self._story.before
        if state.phase is Phase.RETURNING:
            return told(event, state, before)
        # The verdict and the warnings of this evaluation are in the panel; what is over is not.
        lines = again(event.at, before)
        if passed_now(state, before):
            seen = visible_lines(record.weighed) if record.weighed else ()
            count, all_stages = len(state.records), len(state.plan.stages)
            lines += (
                finished(record, count, all_stages, event.at),
                *(one.indented(2) for one in seen),
            )
        return (*lines, *begun_lines(state, before))

    def _draw(self, state: State, now: float) -> None:
        # What a dumb terminal cannot take back is not drawn: it gets the lasting lines only.
        if self.console.is_dumb_terminal or not self.console.is_terminal:
            return
        view = self._view(state, now)
        if self._live is None:
            self._live = Live(
                view,
                console=self.console,
                auto_refresh=False,
                vertical_overflow="crop",
            )
            self._live.start(refresh=True)
        else:
            self._live.update(view, refresh=True)

    def _view(self, state: State, now: float) -> RenderableType:
        width = min(self.console.width, WIDEST)
        lines = body(state, self._story, self._command, now, width - _FRAME)
        lines = squeezed(lines, self.console.height - _AROUND)
        name = styled([Span(title(state))])
        name.stylize("bold not dim")
        back = state.phase is Phase.RETURNING
        panel = Panel(
            Group(*map(Hanging, lines)),
            title=name,
            title_align="left",
            border_style="red" if back else "dim",
            width=width,
        )
        return Group("", self._header(state), panel)

    def _header(self, state: State) -> RenderableType:
        return Hanging(header(state).indented(2))

    def _print(self, lines: Iterable[Line]) -> None:
        for one in lines:
            self.console.print(Hanging(one))


def _drawn(event: Event, state: State) -> bool:
    """Tell whether the panel shows it: a stage's weight, and a silence that goes on."""
    match event:
        case WeightProven():
            new = state.since == event.at  # else it was set again
            return new and state.phase in (Phase.OBSERVING, Phase.SHIFTING)
        case MetricsSilent() | GatewaySilent():
            return goes_on(event, state)
        case _:
            return False
