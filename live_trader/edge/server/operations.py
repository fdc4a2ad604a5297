"""Everything the server can be asked, as one table: routing, rights and description all come from it."""

from __future__ import annotations

from typing import Final

from live_trader.edge.server import classic, health, stream, trading, v1
from live_trader.edge.server.bodies import (
    BotList,
    FiledBody,
    FiledList,
    HealthBody,
    PortfolioBody,
    PutAnswer,
    PutBody,
    TallyBody,
)
from live_trader.edge.server.calls import Operation, Parameter, Reply
from live_trader.edge.server.tokens import Scope
from live_trader.edge.wire.classic import BarText as ClassicBar
from live_trader.edge.wire.classic import ResultText
from live_trader.edge.wire.portfolio import Entry
from live_trader.edge.wire.trading import (
    EquitiesText,
    FillsText,
    HoldingsText,
    LedgerText,
    OrdersText,
    TradesText,
)
from live_trader.edge.wire.v1 import BarsText, SignalsText, SignalText

_TEXT: Final = "text/plain"
_STREAM: Final = "text/event-stream"

_HEALTH: Final = (
    Operation(
        "GET",
        "/v1/health/live",
        health.live,
        replies={200: Reply("It is up.", (HealthBody,))},
        query=v1.NoQuery,
    ),
    Operation(
        "GET",
        "/v1/health/ready",
        health.ready,
        replies={
            200: Reply("It can be used.", (HealthBody,)),
            503: Reply("It cannot, and why.", (HealthBody,)),
        },
        query=v1.NoQuery,
    ),
    Operation(
        "GET",
        "/metrics",
        health.metrics,
        replies={200: Reply("The counts.", (str,), _TEXT)},
        right=Scope.READ,
        query=v1.NoQuery,
        local=True,
    ),
)

_V1: Final = (
    Operation(
        "GET",
        "/v1/portfolio",
        v1.get_portfolio,
        replies={200: Reply("It.", (PortfolioBody,))},
        right=Scope.READ,
        query=v1.NoQuery,
    ),
    Operation(
        "PUT",
        "/v1/portfolio",
        v1.put_portfolio,
        replies={
            200: Reply("What is in force now.", (PutAnswer,)),
            409: Reply("`version` is in force no more."),
        },
        right=Scope.ADMIN,
        query=v1.NoQuery,
        body=PutBody | tuple[Entry, ...],
    ),
    Operation(
        "POST",
        "/v1/onlyclose",
        v1.only_close,
        replies={200: Reply("What is in force now.", (PortfolioBody,))},
        right=Scope.ADMIN,
        query=v1.NoQuery,
    ),
    Operation(
        "GET",
        "/v1/bars",
        v1.get_bars,
        replies={200: Reply("The bars, oldest first; perhaps none.", (BarsText,))},
        right=Scope.READ,
        query=v1.BarsQuery,
    ),
    Operation(
        "POST",
        "/v1/bars",
        v1.post_bars,
        replies={200: Reply("What became of them.", (TallyBody,))},
        right=Scope.FEED,
        query=v1.NoQuery,
        body=BarsText | tuple[BarsText, ...],
    ),
    Operation(
        "GET",
        "/v1/signals",
        v1.get_signals,
        replies={200: Reply("The signals, oldest first; perhaps none.", (SignalsText,))},
        right=Scope.READ,
        query=v1.SignalsQuery,
    ),
    Operation(
        "POST",
        "/v1/signals",
        v1.post_signals,
        replies={
            201: Reply("New, all or some of them.", (FiledBody, FiledList)),
            200: Reply("All of them known.", (FiledBody, FiledList)),
            409: Reply("A different one is stored under the key, and stands; others of the list are stored."),
        },
        right=Scope.BOT,
        query=v1.NoQuery,
        body=SignalText | tuple[SignalText, ...],
    ),
    Operation(
        "GET",
        "/v1/bots",
        v1.get_bots,
        replies={200: Reply("The bots.", (BotList,))},
        right=Scope.READ,
        query=v1.NoQuery,
    ),
    Operation(
        "GET",
        "/v1/stream",
        stream.get_stream,
        replies={200: Reply("Events without end: `id` is the seq, `event` the kind.", (str,), _STREAM)},
        right=Scope.READ,
        query=stream.StreamQuery,
        headers=(Parameter("Last-Event-ID", "resume after this event"),),
    ),
)

_TRADING: Final = (
    Operation(
        "POST",
        "/v1/trading",
        trading.post_trading,
        replies={
            200: Reply("Kept, or known.", (trading.LedgerAnswer,)),
            409: Reply("This store keeps the account of another desk."),
        },
        right=Scope.DESK,
        query=v1.NoQuery,
        body=LedgerText,
    ),
    Operation(
        "GET",
        "/v1/positions",
        trading.get_positions,
        replies={200: Reply("What is held.", (HoldingsText,)), 404: Reply("No desk has ever told.")},
        right=Scope.READ,
        query=v1.NoQuery,
    ),
    Operation(
        "GET",
        "/v1/orders",
        trading.get_orders,
        replies={200: Reply("The orders.", (OrdersText,))},
        right=Scope.READ,
        query=trading.DealtQuery,
    ),
    Operation(
        "GET",
        "/v1/fills",
        trading.get_fills,
        replies={200: Reply("The fills.", (FillsText,))},
        right=Scope.READ,
        query=trading.DealtQuery,
    ),
    Operation(
        "GET",
        "/v1/trades",
        trading.get_trades,
        replies={200: Reply("The trades.", (TradesText,))},
        right=Scope.READ,
        query=trading.DealtQuery,
    ),
    Operation(
        "GET",
        "/v1/equity",
        trading.get_equity,
        replies={200: Reply("The account.", (EquitiesText,))},
        right=Scope.READ,
        query=trading.PageQuery,
    ),
)

_CLASSIC: Final = (
    Operation(
        "GET",
        "/getportfolio",
        classic.get_portfolio,
        replies={200: Reply("The entries.", (tuple[Entry, ...],))},
        tag="classic",
    ),
    Operation(
        "GET",
        "/fillbars",
        classic.fill_bars,
        replies={200: Reply("It is armed.", (str,), _TEXT)},
        query=classic.FillQuery,
        tag="classic",
    ),
    Operation(
        "GET",
        "/getbars",
        classic.get_bars,
        replies={200: Reply("Bars, or portfolio entries.", (tuple[ClassicBar, ...], tuple[Entry, ...]))},
        query=classic.BufferQuery,
        tag="classic",
    ),
    Operation(
        "POST",
        "/result",
        classic.post_result,
        replies={200: Reply("Stored, or known.", (str,), _TEXT), 409: Reply("A different one stands.")},
        body=ResultText | str,
        tag="classic",
    ),
    Operation(
        "GET",
        "/onlyclose",
        classic.only_close,
        replies={200: Reply("The state in force now.", (str,), _TEXT)},
        tag="classic",
    ),
    Operation(
        "POST",
        "/rebalance",
        classic.rebalance,
        replies={200: Reply("The version in force now.", (str,), _TEXT)},
        body=tuple[Entry, ...] | str,
        tag="classic",
    ),
)


def operations(*, with_classic: bool) -> tuple[Operation, ...]:
    """Every operation of a server."""
    return _HEALTH + _V1 + _TRADING + (_CLASSIC if with_classic else ())
