"""Drawing in SVG: scales, round ticks, lines thinned to what an eye can see, and frames to put them in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape

import numpy as np

from live_trader.core.bars import Floats, Times, epoch, moment

WIDTH = 1080.0
LEFT, RIGHT = 62.0, 12.0
Text = Callable[[float], str]


def tag(name: str, *inside: str, **attributes: object) -> str:
    """An element; `class_` is its class, other underscores become hyphens."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_spelled(value))}"'
        for key, value in attributes.items()
    )
    return f"<{name}{said}>{''.join(inside)}</{name}>"


def _spelled(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Scale:
    """From values between `low` and `high` to places between `start` and `stop`."""

    low: float
    high: float
    start: float
    stop: float

    @classmethod
    def around(cls, values: Floats, start: float, stop: float, room: float = 0.06) -> Scale:
        """A scale with room on both sides of these values."""
        low, high = float(np.min(values)), float(np.max(values))
        more = (high - low) * room or abs(high) * 0.01 or 1.0
        return cls(low - more, high + more, start, stop)

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / ((self.high - self.low) or 1.0) * (self.stop - self.start)

    def places(self, values: Floats | Times) -> Floats:
        """Where all of these values go."""
        return self.start + (values - self.low) / ((self.high - self.low) or 1.0) * (self.stop - self.start)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values between two others, about so many."""
    step = _round_step((high - low) / max(count, 1))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _round_step(rough: float) -> float:
    size = 10.0 ** math.floor(math.log10(rough)) if rough > 0.0 else 1.0
    return next((size * step for step in (1.0, 2.0, 2.5, 5.0) if size * step >= rough * 0.999), size * 10.0)


_STEPS = (60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 2 * 86_400, 7 * 86_400)


def calendar(first: int, last: int, count: int = 8) -> list[tuple[int, str]]:
    """Round moments between two others with their labels: years, months, days or minutes, about so many."""
    rough = max(last - first, 1) / count
    if rough > 10 * 86_400:
        return _months(first, last, rough)
    step = next((each for each in _STEPS if each >= rough), _STEPS[-1])
    begin = first + -first % step
    return [(at, _day_or_hour(at, step)) for at in range(begin, last + 1, step)]


def _day_or_hour(second: int, step: int) -> str:
    at = moment(second)
    return f"{at.day} {at:%b}" if step >= 86_400 or second % 86_400 == 0 else f"{at:%H:%M}"


def _months(first: int, last: int, rough: float) -> list[tuple[int, str]]:
    every = next((each for each in (1, 2, 3, 6, 12, 24, 60, 120) if each * 30.4 * 86_400 >= rough), 120)
    found, at = [], moment(first).replace(day=1, hour=0, minute=0, second=0)
    while epoch(at) <= last:
        if (at.year * 12 + at.month - 1) % every == 0 and epoch(at) >= first:
            found.append((epoch(at), f"{at:%Y}" if at.month == 1 or every >= 12 else f"{at:%b %Y}"))
        at = (at + timedelta(days=32)).replace(day=1)
    return found


def thinned(values: Floats, room: int = 700) -> Times:
    """Which of many values to draw: the lowest and the highest of each piece, so that no peak is lost."""
    count = len(values)
    if count <= 2 * room:
        return np.arange(count)
    pieces = np.array_split(np.arange(count), room)
    kept = {0, count - 1}
    for piece in pieces:
        kept |= {int(piece[values[piece].argmin()]), int(piece[values[piece].argmax()])}
    return np.array(sorted(kept))


def line(xs: Iterable[float], ys: Iterable[float], **attributes: object) -> str:
    """A line through these places."""
    return tag("path", d=trail(xs, ys), **attributes)


def trail(xs: Iterable[float], ys: Iterable[float]) -> str:
    """The path data of a line through these places."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))


def area(xs: Sequence[float], ys: Sequence[float], ground: float, **attributes: object) -> str:
    """The surface between a line and the ground."""
    return tag("path", d=f"{trail(xs, ys)}L{xs[-1]:.1f} {ground:.1f}L{xs[0]:.1f} {ground:.1f}Z", **attributes)


def rows(scale: Scale, text: Text, count: int = 5, left: float = LEFT, right: float = WIDTH - RIGHT) -> str:
    """Horizontal lines at round values, with their labels to the left."""
    return "".join(
        tag("line", x1=left, x2=right, y1=scale(value), y2=scale(value), class_="grid")
        + tag("text", text(value), x=left - 8.0, y=scale(value) + 4.0, class_="tick end")
        for value in ticks(min(scale.low, scale.high), max(scale.low, scale.high), count)
    )


def columns(labels: Sequence[tuple[float, str]], scale: Scale, top: float, ground: float) -> str:
    """Vertical lines at labelled places, with their labels below."""
    return "".join(
        tag("line", x1=scale(value), x2=scale(value), y1=top, y2=ground, class_="grid")
        + tag("text", escape(text), x=scale(value), y=ground + 18.0, class_="tick middle")
        for value, text in labels
    )


def drawing(*inside: str, height: float, width: float = WIDTH, label: str = "", **attributes: object) -> str:
    """A picture as wide as its place, that says to those who cannot see it what it shows."""
    return tag(
        "svg",
        *inside,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=label,
        **attributes,
    )
