"""Notices that a blocking read takes too long."""

from __future__ import annotations

import math
import threading
import time
from typing import Callable, Optional


class Watchdog:
    """Calls something when a wait takes longer than it may, from a thread that begins with the first wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._deadline: Optional[float] = None
        self._bark: Callable[[], object] = lambda: None
        # When the thread looks again by itself; for ever is while there is nothing to wait for.
        self._wakes_at = -math.inf
        self._ended = False
        self._thread: Optional[threading.Thread] = None

    def start(self, seconds: float, bark: Callable[[], object]) -> None:
        """A wait begins that may take so long."""
        with self._changed:
            self._deadline = time.monotonic() + seconds
            self._bark = bark
            if self._thread is None and not self._ended:
                self._thread = threading.Thread(target=self._run, name="windlass-watchdog", daemon=True)
                self._thread.start()
            # Waking it for each message would cost more than the message.
            if self._deadline < self._wakes_at:
                self._changed.notify()

    def stop(self) -> None:
        """The wait is over."""
        with self._changed:
            self._deadline = None

    def end(self) -> None:
        """Ends the thread."""
        with self._changed:
            self._ended = True
            self._deadline = None
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._ended:
                deadline = self._deadline
                left = None if deadline is None else deadline - time.monotonic()
                if left is None or left > 0:
                    self._wakes_at = math.inf if deadline is None else deadline
                    self._changed.wait(left)
                    self._wakes_at = -math.inf
                else:
                    self._deadline = None
                    self._bark()
