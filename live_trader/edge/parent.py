"""The process that started this one: when it dies, however it dies, this one does too."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading

_ORPHANED = 3
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> bool:
    """End this process as soon as its parent has ended; False where nobody of this program started it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return False
    _let_go_of_forkserver()
    if sys.platform == "linux":  # what is stopped, or deep in foreign code, sees no parent die
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def wait() -> None:
        parent.join()
        os._exit(_ORPHANED)

    threading.Thread(target=wait, name="parent", daemon=True).start()
    return True


def _let_go_of_forkserver() -> None:
    """Close this process's end of the pipe by which a forkserver knows that somebody needs it.

    Every child inherits one. A child that is stopped when the parent is killed would keep the forkserver
    alive by it, and the forkserver's death is what ends such a child.
    """
    if sys.platform == "win32":
        return
    from multiprocessing import forkserver

    kept = vars(forkserver._forkserver)  # noqa: SLF001 - the library has no public name for it
    held = kept.get("_forkserver_alive_fd")
    if held is not None:
        kept["_forkserver_alive_fd"] = None
        os.close(held)
