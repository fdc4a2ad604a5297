"""The server as its owner sees it: close everything, put a portfolio, see who follows it.

Portfolios travel as they are spelled, so that nothing in them gets lost.
"""

from __future__ import annotations

from live_trader.core.portfolio import Portfolio, TradingState
from live_trader.edge.client.transport import Ask
from live_trader.edge.client.verdict import content, understood
from live_trader.edge.clock import Clock
from live_trader.edge.wire import owner


class ClassicAdmin:
    """The owner's side of the classic protocol."""

    protocol = "classic"

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock

    def only_close(self) -> None:
        """Allow no order that enlarges a position."""
        content(self._ask("GET", "onlyclose"), "onlyclose", self._clock)

    def entries(self) -> bytes:
        """The entries of the portfolio in force, a JSON array."""
        return bytes(content(self._ask("GET", "getportfolio"), "getportfolio", self._clock))

    def put(self, entries: bytes) -> None:
        """Put these entries in force."""
        content(self._ask("POST", "rebalance", entries), "rebalance", self._clock)


class V1Admin:
    """The owner's side of the v1 protocol."""

    protocol = "v1"

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock

    def only_close(self) -> TradingState:
        """Allow no order that enlarges a position; the state in force, since a halt stays a halt."""
        body = content(self._ask("POST", "v1/onlyclose"), "v1/onlyclose", self._clock)
        return understood(owner.portfolio, body, "v1/onlyclose")[0].state

    def entries(self) -> bytes | None:
        """The entries of the portfolio in force, a JSON array; None where none was ever put."""
        return understood(owner.resent, self._get("v1/portfolio"), "v1/portfolio")

    def put(self, entries: bytes | None, state: TradingState | None = None) -> int:
        """Put these entries in force, or once more whatever is; the version they got.

        REDUCING ends by it, a halt only where the state is named.
        """
        answer = self._ask("PUT", "v1/portfolio", owner.spell_wanted(entries, state))
        body = content(answer, "v1/portfolio", self._clock)
        return understood(owner.portfolio, body, "v1/portfolio")[0].version

    def portfolio(self) -> Portfolio:
        """The portfolio in force."""
        return understood(owner.portfolio, self._get("v1/portfolio"), "v1/portfolio")[0]

    def bots(self) -> tuple[owner.BotText, ...]:
        """What the server knows of its bots."""
        return understood(owner.bots, self._get("v1/bots"), "v1/bots")

    def positions(self) -> tuple[owner.PositionText, ...] | None:
        """What the desk holds; None where no desk is running."""
        answer = self._ask("GET", "v1/positions")
        if answer.status == 404:
            return None
        return understood(owner.positions, content(answer, "v1/positions", self._clock), "v1/positions")

    def _get(self, target: str) -> bytearray:
        return content(self._ask("GET", target), target, self._clock)
