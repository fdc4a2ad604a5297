"""How far work has come is a bar on a terminal and a plain line now and then elsewhere."""

from __future__ import annotations

from io import StringIO

import pytest

from live_trader.lab.progress import Shown, duration


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_elsewhere_a_line_is_written_every_ten_seconds_and_at_the_end() -> None:
    clock, out = Clock(), StringIO()
    with Shown(out, clock) as shown:
        shown.expect(100)
        for number in range(100):
            clock.now += 1.0
            shown.done(f"piece {number}")
    lines = out.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == "10 of 100, 1 min 30 s left: piece 9"
    assert lines[-1] == "100 of 100, 0 s left: piece 99"


def test_what_came_from_the_cache_does_not_count_for_the_time_left() -> None:
    clock, out = Clock(), Terminal()
    with Shown(out, clock) as shown:
        shown.expect(10)
        for _ in range(4):
            shown.done("old", again=True)
        assert "unknown time left" in out.getvalue()
        clock.now = 20.0
        shown.done("new")
        assert "5 of 10, 1 min 40 s left: new" in out.getvalue()


def test_on_a_terminal_one_line_is_drawn_over_and_wiped_at_the_end() -> None:
    out = Terminal()
    with Shown(out, Clock()) as shown:
        shown.expect(2)
        shown.done("a" * 500)
        shown.done("b")
    assert "\n" not in out.getvalue()
    assert "[##########..........]" in out.getvalue()
    assert all(len(line) < 200 for line in out.getvalue().split("\r"))
    assert out.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (59.4, "59 s"), (61, "1 min 01 s"), (3599.9, "1 h 00 min"), (7265, "2 h 01 min")],
)
def test_durations_are_said_as_a_person_says_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said
