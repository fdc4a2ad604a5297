"""Now: the processes that keep one bot per ticker alive."""
