"""A wire between workers and server that can be cut, and where somebody may lie in wait for a post."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable

_POST = b"POST /v1/signals"


class Wire:
    """Listens on a loopback port and passes bytes both ways, until somebody cuts."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self._listener.getsockname()[1])
        self._peers: dict[socket.socket, socket.socket] = {}
        self._lock = threading.Lock()
        self._poll = select.epoll()
        self._by_number: dict[int, socket.socket] = {}
        self.ambush: Callable[[bytes], bool] | None = None
        threading.Thread(target=self._accept, daemon=True).start()
        threading.Thread(target=self._pass, daemon=True).start()

    def cut(self) -> int:
        """End every connection now, and give how many there were."""
        with self._lock:
            ends = list(self._peers)
            for end in ends:
                self._drop(end)
        return len(ends) // 2

    def lie_in_wait(self, ambush: Callable[[bytes], bool] | None) -> None:
        """Have this called with the next post of signals, if anything; it says whether the post goes on."""
        self.ambush = ambush

    def close(self) -> None:
        """Cut, and listen no more."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=2)
            except OSError:
                near.close()
                continue
            with self._lock:
                for end, peer in ((near, far), (far, near)):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._peers[end] = peer
                    self._by_number[end.fileno()] = end
                    self._poll.register(end, select.EPOLLIN)

    def _pass(self) -> None:
        while True:
            for number, _ in self._poll.poll(1.0):
                with self._lock:
                    end = self._by_number.get(number)
                    if end is None:
                        continue
                    try:
                        data = end.recv(65536)
                        if data and self._let_through(data):
                            self._peers[end].sendall(data)
                        if data:
                            continue
                    except (OSError, KeyError):
                        pass
                    self._drop(end)

    def _let_through(self, data: bytes) -> bool:
        if self.ambush is None or not data.startswith(_POST):
            return True
        ambush, self.ambush = self.ambush, None
        return ambush(data)

    def _drop(self, end: socket.socket) -> None:
        peer = self._peers.pop(end, None)
        if peer is None:
            return
        del self._peers[peer]
        for each in (end, peer):
            del self._by_number[each.fileno()]
            self._poll.unregister(each)
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
