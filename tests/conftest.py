"""What every test of the house shares."""

import signal

from hypothesis import settings

# A runner started in the background ignores INT, and so would the processes that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same commit gets the same verdict; `make chaos` looks on with new examples each time.
settings.register_profile("wide", deadline=None, max_examples=500, print_blob=True)
settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")
