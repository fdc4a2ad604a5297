"""Every setting there is, with its default, its kind and its meaning, as one frozen tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct

from live_trader.edge.server.options import ServerSettings
from live_trader.edge.settings.secret import Secret

if TYPE_CHECKING:
    from live_trader.core.drift import Tolerance

Seconds = Annotated[float, Meta(gt=0, le=86400, description="seconds, more than 0 and at most 86400")]
Delay = Annotated[float, Meta(ge=0, le=86400, description="seconds, 0 to 86400")]
Share = Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")]
Count = Annotated[int, Meta(ge=1, le=1_000_000, description="a whole number, 1 to 1000000")]
Seed = Annotated[int, Meta(ge=0, le=2**32 - 1, description="a whole number, 0 to 4294967295")]
Folder = Annotated[
    str, Meta(min_length=1, max_length=1024, pattern=r"\A[^\0]+\Z", description="the path of a folder")
]
File = Annotated[str, Meta(max_length=1024, pattern=r"\A[^\0]*\Z", description="the path of a file")]
Positive = Annotated[float, Meta(gt=0, le=1e15, description="a number above 0")]
Amount = Annotated[float, Meta(ge=0, le=1e15, description="a number of at least 0")]
Index = Annotated[float, Meta(gt=0, le=100, description="a number above 0, at most 100")]
Currency = Annotated[str, Meta(pattern=r"\A[A-Z]{3,5}\Z", description="a currency, as in USD")]
BotId = Annotated[
    str,
    Meta(
        pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z",
        description="letters, digits and . _ - only, beginning with a letter or digit, 64 at most",
    ),
]


class Restart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a child that crashes is started again before it is quarantined."""

    max_restarts: Count = 10
    within_s: Seconds = 300.0
    backoff_first_s: Delay = 0.5
    backoff_max_s: Delay = 30.0


class Farm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tickers are answered, under which id, and how their workers are kept alive."""

    id: BotId = "trader"
    tickers: tuple[str, ...] = ()
    """`AUDUSD M1`, ...; none: those of the portfolio, or else every deployed bundle."""
    work_path: Folder = "work_dir"
    models_path: Folder = "models"
    start_method: Literal["auto", "forkserver", "spawn"] = "auto"
    drain_s: Seconds = 10.0
    silent_after_s: Seconds = 15.0
    restart: Restart = Restart()
    threshold: Share | None = None
    """What a probability must exceed; none: each bundle's own."""
    drift_limit: Index | None = None
    """Hold a bot at 0.5 while more than half of its features moved farther; none: never. 0.25 is usual."""
    drift_bars: Annotated[int, Meta(ge=200, le=50_000, description="a whole number, 200 to 50000")] = 2000
    """Over so many of the last closed bars that is measured; with a limit, a worker needs them to begin."""

    @property
    def tolerance(self) -> Tolerance | None:
        """How far features may move before their bot is held; none where it never is."""
        from live_trader.core.drift import Tolerance  # here, for it brings the indicators with it

        return None if self.drift_limit is None else Tolerance(self.drift_limit, self.drift_bars)


class Server(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server bars come from and signals go to; without an address, the embedded one."""

    address: str = ""
    protocol: Literal["auto", "classic", "v1"] = "auto"
    token: Secret = Secret()
    token_file: File = ""
    ca_file: File = ""
    """Certificates to trust instead of the system's, for an https address."""
    timeout_s: Seconds = 10.0
    embedded: ServerSettings = ServerSettings()


class Classic(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a classic server is spoken to."""

    zero_is_short: bool = False
    """Write and read 0 where -1 is meant."""
    delay_after_close_s: Delay = 0.05
    poll_s: Annotated[float, Meta(ge=0.01, le=60, description="seconds, 0.01 to 60")] = 0.4
    jitter_s: Annotated[float, Meta(ge=0, le=60, description="seconds, 0 to 60")] = 0.3


class Demo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The simulated market of the demonstration."""

    tickers: tuple[str, ...] = ("AUDUSD S5", "EURCHF S5", "EURUSD S5", "NZDCAD S5")
    seed: Seed = 20
    history_bars: Count = 4000
    market: Literal["simulated", "replay"] = "simulated"
    tape: File = ""
    """The CSV file that `replay` plays."""
    tape_timeframe: str = "M1"


class Feed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the embedded server's bars come from."""

    market: Literal["none", "simulated", "replay"] = "none"


class Paper(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the paper broker does wrong on purpose, each as a share of all orders, drawn from the seed."""

    seed: Seed = 1
    partial: Share = 0.0
    rejected: Share = 0.0
    unanswered: Share = 0.0
    delayed: Share = 0.0
    delay_bars: Count = 2


class Desk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether signals become orders, and where, with what capital and within which limits.

    Shares are of the account's equity, or for `risk`, `max_position` of the ticker's part of it.
    """

    enabled: bool = False
    mode: Literal["paper", "live"] = "paper"
    """`live` has to be spelled out, and is refused while this program has no broker for it."""
    capital: Positive = 100_000.0
    currency: Currency = "USD"
    instruments: tuple[str, ...] = ()
    """`GOLD tick=0.01 lot=1 currency=USD`, ...; `*` stands for every other symbol that is no pair."""
    rates: tuple[str, ...] = ()
    """`CHF 1.12`, ...: what one unit of a currency is worth in the account's."""
    sides: Literal["both", "long", "short"] = "both"
    on_neutral: Literal["hold", "close"] = "hold"
    on_opposite: Literal["reverse", "close"] = "reverse"
    on_reducing: Literal["close", "hold"] = "close"
    """Whether only-close ends positions at once or leaves that to signals, stops and targets."""
    risk: Positive | None = 0.005
    max_position: Positive = 0.2
    stop_atr: Positive | None = 1.5
    target_ratio: Positive | None = 1.2
    atr_bars: Count = 14
    volume_bars: Count = 20
    cool_down_s: Annotated[int, Meta(ge=0, le=86400, description="seconds, 0 to 86400")] = 0
    hours: Annotated[
        str, Meta(pattern=r"\A(\d\d:\d\d-\d\d:\d\d)?\Z", description="hours in UTC, as in 08:00-17:30")
    ] = ""
    max_drawdown: Positive = 0.15
    max_leverage: Positive = 3.0
    max_daily_loss: Positive | None = 0.03
    max_open_trades: Count = 6
    max_trades_a_day: Count | None = None
    max_symbol: Positive | None = None
    max_currency: Positive | None = None
    fill_at: Literal["open", "close"] = "open"
    slippage: Share = 0.0
    fee_rate: Share = 0.0
    fee_minimum: Amount = 0.0
    fee_fixed: Amount = 0.0
    paper: Paper = Paper()


class Lab(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What back-tests know besides what the house brings."""

    strategies: tuple[str, ...] = ()
    """`dip = mine.py`, ...: strategies of your own by name; `mine.py:Dip` where a file has several."""


Told = Literal["fatal", "crash", "absent", "state", "farm", "drift", "summary"]


class Notices(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to tell what happens while nobody watches, and how often at most."""

    urls: Secret = Secret()
    """Where to, as apprise spells it (`tgram://...`, `mailto://...`); several with a space between."""
    events: tuple[Told, ...] = ("fatal", "absent", "state", "farm", "drift", "summary")
    every_s: Annotated[float, Meta(ge=1, le=86400, description="seconds, 1 to 86400")] = 60.0
    """At most one message in so many seconds; what happens in between is told in the next."""
    summary_at: Annotated[
        str, Meta(pattern=r"\A(([01]\d|2[0-3]):[0-5]\d)?\Z", description="a time in UTC, as in 06:00")
    ] = "06:00"
    """When the daily summary is sent; empty for never."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of one farm."""

    farm: Farm = Farm()
    server: Server = Server()
    classic: Classic = Classic()
    demo: Demo = Demo()
    feed: Feed = Feed()
    desk: Desk = Desk()
    lab: Lab = Lab()
    notices: Notices = Notices()
