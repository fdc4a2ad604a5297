"""What every test of the house shares."""

import signal

from hypothesis import settings

# A runner started in the background ignores INT, and so would the processes that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("house", deadline=None)
settings.load_profile("house")
