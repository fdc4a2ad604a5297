"""Instant Trader: trained long and short models, served live."""

__version__ = "0.1.0"


def main(
    SYMBOL: str,  # noqa: N803 - the names of the script this function has been in since before this program
    TIMEFRAME: str,  # noqa: N803
    WORK_PATH: str,  # noqa: N803
    my_id: str,
    ADRESS: str | None = None,  # noqa: N803
    threshold: float | None = None,
) -> None:
    """Serve one ticker in this process: one signal for every closed bar, until interrupted.

    `WORK_PATH` holds the deployed bundles; `ADRESS` is the server's base URL, and without one it is
    taken from the settings.
    """
    from live_trader.farm.children import serve_here

    serve_here(SYMBOL, TIMEFRAME, WORK_PATH, my_id, ADRESS, threshold)
