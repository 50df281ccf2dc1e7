"""The live view on a terminal: redraws what the run does, and why it waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from blueshift import events
from blueshift.clock import Clock
from blueshift.report.frame import frame
from blueshift.report.view import View, fold
from blueshift.report.words import marks


class LiveView:
    """A listener that keeps the view; `draw` is its picture now."""

    def __init__(self, console: Console, clock: Clock, run: str) -> None:
        self._console = console
        self._clock = clock
        self._marks = marks(console.encoding)
        self.view = View(run=run)

    def __call__(self, event: events.Event) -> None:
        """Listen. What a person may want to copy or find again also scrolls by above the picture."""
        self.view = fold(self.view, event)
        if isinstance(event, events.Noticed):
            self._above(event.at.strftime("%H:%M:%SZ ") + event.sentence)
        elif isinstance(event, events.GateWaits):
            self._above(f"{event.at:%H:%M:%SZ} gate {event.gate}: {event.command}")

    def draw(self) -> RenderableType:
        """The picture in the terminal's present size; the last row stays free for the cursor."""
        size = self._console.size
        return Group(*frame(self.view, self._clock.utc(), size.width, size.height - 1, self._marks))

    def _above(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


@contextmanager
def live_view(console: Console, clock: Clock, run: str) -> Iterator[events.Emit]:
    """Show the live view while the block runs; its last picture stays on the terminal."""
    view = LiveView(console, clock, run)
    live = Live(get_renderable=view.draw, console=console, refresh_per_second=4, vertical_overflow="crop")
    live.start()
    try:
        yield view
    finally:
        with suppress(OSError):  # the terminal is gone; the run's end is in the journal
            live.stop()
