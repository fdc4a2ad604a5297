"""The v1 client and the embedded server understand each other, over real sockets and a real store."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from live_trader.core.bars import Bar, Ticker, epoch, moment
from live_trader.core.signals import Direction, Opinion, Signal
from live_trader.edge.client import connect, connect_admin, connect_feed
from live_trader.edge.clock import Clock
from live_trader.edge.server.running import Server as Embedded
from live_trader.edge.server.tokens import Registry
from live_trader.edge.settings import Farm, Server, ServerSettings, Settings
from live_trader.errors import Conflict, Unauthorised
from live_trader.farm.rebalance import Rebalance

TICKER = Ticker.parse("AUDUSD M1")


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A running embedded server, and the settings of a farm that reaches it."""
    work = tmp_path_factory.mktemp("work")
    ports: list[int] = []
    ready = threading.Event()

    def on_ready(port: int) -> None:
        ports.append(port)
        ready.set()

    Registry(work / "server", Clock()).ensure(("trader",))
    server = Embedded(ServerSettings(port=0), work / "server", Clock(), on_ready)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert ready.wait(20)
    options = ServerSettings(port=ports[0])
    yield Settings(farm=Farm(work_path=str(work)), server=Server(embedded=options, timeout_s=5))
    server.should_exit = True
    thread.join(20)


def bars(count: int, symbol_open: float = 1.1) -> list[Bar]:
    now = epoch(datetime.now(UTC))
    newest = now - now % 60 - 60
    return [
        Bar(moment(newest - 60 * i), symbol_open, symbol_open + 0.1, 1.0, symbol_open + 0.01, 7.0)
        for i in range(count - 1, -1, -1)
    ]


def signal(bar: Bar, direction: Direction = Direction.LONG, ticker: Ticker = TICKER, **more: bool) -> Signal:
    return Signal(
        "trader", ticker, bar.opened, direction, {"A~PC": Opinion(0.4, 0.1, direction)}, "v7", **more
    )


def test_the_trip_of_a_bar(farm):
    """What a feed stores is history, and news to whoever waits; a signal comes back as it was sent."""
    given = bars(1200)
    with connect_feed(farm) as feed, connect(farm) as bot:
        assert bot.protocol == "v1"
        assert feed.newest(TICKER) is None
        assert bot.history(TICKER, 10) == []
        assert bot.signals(TICKER, 9) == []
        feed.store(TICKER, given[:-1])
        assert bot.history(TICKER, 500) == given[-501:-1]
        assert bot.history(TICKER, 5000) == given[:-1]
        assert bot.after(TICKER, given[100].opened, 7) == given[101:108]
        assert bot.revision(TICKER) == 0
        timer = threading.Timer(0.2, feed.store, (TICKER, given[-1:]))
        timer.start()
        begun = time.monotonic()
        news = bot.next(TICKER, given[-2].opened, 20)
        assert news.bars == (given[-1],)
        assert time.monotonic() - begun < 5
        timer.join()
        sent = [signal(bar) for bar in given]
        bot.send(sent)
        bot.send(sent[-3:])
        assert bot.signals(TICKER, 9) == sent[-9:]


def test_conflicts_keep_nobody_else_from_being_stored(farm):
    """One different signal in a list is told; those around it are stored all the same."""
    ticker = Ticker.parse("EURUSD M1")
    one, two, three = bars(3)
    with connect_feed(farm) as feed, connect(farm) as bot:
        feed.store(ticker, [one, two, three])
        bot.send([signal(two, ticker=ticker)])
        with pytest.raises(Conflict, match='"signal":1'):
            bot.send([signal(bar, Direction.SHORT, ticker) for bar in (one, two, three)])
        with pytest.raises(Conflict) as caught:
            bot.send([signal(two, Direction.SHORT, ticker)])
        assert b'"signal":1' in caught.value.stored
        assert bot.signals(ticker, 1) == [signal(three, Direction.SHORT, ticker)]
        bot.send([signal(three, Direction.LONG, ticker, shadow=True)])
        assert bot.signals(ticker, 1) == [signal(three, Direction.SHORT, ticker)]


def test_a_new_portfolio_and_a_revised_bar_are_news(farm):
    """Both end a wait at once, without a bar."""
    ticker = Ticker.parse("NZDCAD M1")
    given = bars(3)
    entry = b'[{"symbol":"NZDCAD","timeframe":"M1","weight":1,"positive_group":{"A~PC":1},"portfolio":"x"}]'
    with connect_feed(farm) as feed, connect(farm) as bot, connect_admin(farm) as admin:
        feed.store(ticker, given)
        before = bot.portfolio().version
        timer = threading.Timer(0.2, admin.put, (entry,))
        timer.start()
        news = bot.next(ticker, given[-1].opened, 20)
        assert (news.bars, news.portfolio_version) == ((), before + 1)
        assert [each.ticker for each in bot.portfolio().allocations] == [ticker]
        timer.join()
        again = Bar(given[1].opened, 1.1, 1.3, 1.0, 1.2, 8.0)
        timer = threading.Timer(0.2, feed.store, (ticker, [again]))
        timer.start()
        assert bot.next(ticker, given[-1].opened, 20).revision == 1
        assert bot.history(ticker, 3)[1] == again
        timer.join()


def test_a_bot_may_not_do_what_is_the_owners(farm, tmp_path):
    """The bot's token opens no admin route."""
    tokens = Registry(Path(farm.farm.work_path) / "server", Clock()).own()
    file = tmp_path / "token"
    file.write_text(tokens["bot-trader"])
    options = Server(embedded=farm.server.embedded, token_file=str(file))
    with connect_admin(Settings(farm=farm.farm, server=options)) as admin, pytest.raises(Unauthorised):
        admin.only_close()


def test_an_old_client_finds_the_same_server(farm):
    """The classic protocol works against the embedded server, on the same store."""
    ticker = Ticker.parse("USDCAD M1")
    given = bars(300)
    address = f"http://127.0.0.1:{farm.server.embedded.port}/"
    old = Settings(farm=Farm(id="old"), server=Server(address=address, protocol="classic"))
    with connect_feed(farm) as feed, connect(old) as bot, connect(farm) as new:
        feed.store(ticker, given)
        assert bot.history(ticker, 250) == given[-250:]
        assert bot.portfolio().allocations == new.portfolio().allocations
        bot.send([signal(given[-1], ticker=ticker)])
        assert bot.next(ticker, given[-1].opened - timedelta(minutes=5), 0.2).bars == ()


def test_a_rebalance_ends_when_the_bots_follow_it(farm):
    """With a bot that waits for news, the whole rebalance is a matter of moments."""
    ticker = Ticker.parse("GBPCHF M1")
    entry = b'[{"symbol":"GBPCHF","timeframe":"M1","weight":1,"positive_group":{"A~PC":1},"portfolio":"x"}]'
    given = bars(3)
    done = threading.Event()
    said: list[str] = []

    def follow() -> None:
        with connect(farm) as bot:
            bot.send([signal(given[-1], ticker=ticker)])
            while not done.is_set():
                bot.next(ticker, given[-1].opened, 0.5)

    with connect_feed(farm) as feed, connect_admin(farm) as admin:
        feed.store(ticker, given)
        thread = threading.Thread(target=follow)
        thread.start()
        try:
            rebalanced = Rebalance(20, said.append).carry_out(admin, entry)
        finally:
            done.set()
            thread.join()
        assert rebalanced.version == admin.portfolio().version
        assert json.loads(admin.entries())[0]["symbol"] == "GBPCHF"
    assert said[-1] == f"every bot is FRESH on version {rebalanced.version}"
