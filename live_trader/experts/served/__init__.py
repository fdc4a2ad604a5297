"""Fitted pipelines as data: exact, small, and answered without the libraries that made them."""

from live_trader.errors import NotServable
from live_trader.experts.served.apart import serve
from live_trader.experts.served.form import Form, Served
from live_trader.experts.served.heavy import Heavy, reference
from live_trader.experts.served.proof import Proof, prove
from live_trader.experts.served.stages import Quantile

__all__ = ["Form", "Heavy", "NotServable", "Proof", "Quantile", "Served", "prove", "reference", "serve"]
