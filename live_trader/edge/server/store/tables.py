"""The tables of the desk's account and of what happened to the farm; what cannot be cannot be written."""

from __future__ import annotations

from typing import Final

TRADING: Final = """
CREATE TABLE orders (
    id TEXT PRIMARY KEY CHECK (id != ''),
    seq INTEGER NOT NULL UNIQUE,
    trade INTEGER NOT NULL CHECK (trade > 0),
    slot TEXT NOT NULL CHECK (slot != ''),
    ticker INTEGER NOT NULL REFERENCES tickers,
    side TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
    kind TEXT NOT NULL CHECK (kind IN ('market', 'limit', 'stop')),
    role TEXT NOT NULL CHECK (role IN ('entry', 'exit', 'stop', 'target')),
    quantity TEXT NOT NULL CHECK (CAST(quantity AS REAL) > 0),
    price TEXT CHECK (CAST(price AS REAL) > 0),
    status TEXT NOT NULL CHECK (status IN (
        'submitted', 'working', 'unknown', 'cancelling', 'filled', 'cancelled', 'rejected')),
    filled TEXT NOT NULL CHECK (CAST(filled AS REAL) >= 0),
    reason TEXT NOT NULL,
    created REAL NOT NULL,
    CHECK ((kind = 'market') = (price IS NULL)),
    CHECK (CAST(filled AS REAL) <= CAST(quantity AS REAL)),
    CHECK ((status = 'filled') = (CAST(filled AS REAL) = CAST(quantity AS REAL)))
);
CREATE INDEX orders_of_trade ON orders (trade);
CREATE TRIGGER orders_end BEFORE UPDATE OF status ON orders
WHEN old.status IN ('filled', 'cancelled', 'rejected') AND new.status != old.status
BEGIN SELECT RAISE(ABORT, 'an order that is over changes no more'); END;
CREATE TRIGGER orders_keep BEFORE UPDATE ON orders
WHEN (old.trade, old.slot, old.ticker, old.side, old.kind, old.role, old.quantity)
  != (new.trade, new.slot, new.ticker, new.side, new.kind, new.role, new.quantity)
  OR CAST(new.filled AS REAL) < CAST(old.filled AS REAL)
BEGIN SELECT RAISE(ABORT, 'an order stays what it was sent as'); END;
CREATE TABLE fills (
    id TEXT PRIMARY KEY CHECK (id != ''),
    seq INTEGER NOT NULL UNIQUE,
    order_id TEXT NOT NULL REFERENCES orders,
    quantity TEXT NOT NULL CHECK (CAST(quantity AS REAL) > 0),
    price TEXT NOT NULL CHECK (CAST(price AS REAL) > 0),
    fee TEXT NOT NULL CHECK (CAST(fee AS REAL) >= 0),
    time REAL NOT NULL
);
CREATE INDEX fills_of_order ON fills (order_id);
CREATE TRIGGER fills_fit BEFORE INSERT ON fills
WHEN NOT EXISTS (SELECT 1 FROM fills WHERE id = new.id) AND
    CAST(new.quantity AS REAL) + (SELECT coalesce(sum(CAST(quantity AS REAL)), 0) FROM fills
        WHERE order_id = new.order_id)
    > (SELECT CAST(quantity AS REAL) FROM orders WHERE id = new.order_id) * 1.000000001
BEGIN SELECT RAISE(ABORT, 'more was filled than was ordered'); END;
CREATE TABLE trades (
    id INTEGER PRIMARY KEY CHECK (id > 0),
    seq INTEGER NOT NULL UNIQUE,
    slot TEXT NOT NULL CHECK (slot != ''),
    ticker INTEGER NOT NULL REFERENCES tickers,
    direction TEXT NOT NULL CHECK (direction IN ('long', 'short')),
    quantity TEXT NOT NULL CHECK (CAST(quantity AS REAL) > 0),
    entry TEXT NOT NULL CHECK (CAST(entry AS REAL) > 0),
    exit TEXT NOT NULL CHECK (CAST(exit AS REAL) > 0),
    stop TEXT CHECK (CAST(stop AS REAL) > 0),
    target TEXT CHECK (CAST(target AS REAL) > 0),
    opened REAL NOT NULL,
    closed REAL NOT NULL CHECK (closed >= opened),
    reason TEXT NOT NULL CHECK (reason != ''),
    fees TEXT NOT NULL,
    profit TEXT NOT NULL,
    risked TEXT NOT NULL CHECK (CAST(risked AS REAL) >= 0)
);
CREATE TABLE positions (
    trade INTEGER PRIMARY KEY CHECK (trade > 0),
    slot TEXT NOT NULL CHECK (slot != ''),
    ticker INTEGER NOT NULL REFERENCES tickers,
    quantity TEXT NOT NULL CHECK (CAST(quantity AS REAL) != 0),
    entry TEXT NOT NULL CHECK (CAST(entry AS REAL) > 0),
    stop TEXT CHECK (CAST(stop AS REAL) > 0),
    target TEXT CHECK (CAST(target AS REAL) > 0),
    opened REAL NOT NULL,
    leaving TEXT NOT NULL
);
CREATE TABLE equity (
    number INTEGER PRIMARY KEY,
    time REAL NOT NULL,
    equity TEXT NOT NULL,
    cash TEXT NOT NULL,
    peak TEXT NOT NULL,
    CHECK (CAST(peak AS REAL) >= CAST(equity AS REAL))
);
CREATE TABLE desk (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    account TEXT NOT NULL,
    upto INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('ACTIVE', 'REDUCING', 'HALTED')),
    received REAL NOT NULL
);
"""

HAPPENINGS: Final = """
CREATE TABLE happenings (
    seq INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    sort TEXT NOT NULL CHECK (sort IN ('restart', 'swap', 'refusal', 'fault')),
    who TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE TABLE heard (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    file INTEGER NOT NULL,
    upto INTEGER NOT NULL
);
"""
