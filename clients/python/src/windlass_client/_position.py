"""Where a reader of a feed stands, so that a cut stream is continued without a gap and without a repeat. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from windlass_client._events import Deleted, Event, Reset, Synced, Updated


class Position:
    """Where a reader of a feed stands.

    Before `Synced` it has no complete revision, and begins at 0 again after a cut. Later, `complete` is the last
    revision that arrived whole, `current` that of the last message, and `seen` how often each name of `current` was
    handed on: one revision may bring several scaling decisions on one deployment.
    """

    def __init__(self, start_revision: int) -> None:
        self._start(start_revision)

    def _start(self, start_revision: int) -> None:
        self._live = start_revision != 0
        self._complete = start_revision
        self._current = start_revision
        self._seen: Dict[str, int] = {}
        # Of `_seen`, how often each came in this attempt.
        self._again: Dict[str, int] = {}
        self._reset_told = False

    @property
    def resume_revision(self) -> int:
        """The `start_revision` to continue with."""
        return self._complete if self._live else 0

    def begin(self) -> None:
        """To be called before each attempt."""
        self._again.clear()
        self._reset_told = False

    def forget(self) -> None:
        """The history to continue from is gone: the next attempt begins with the present state."""
        self._start(0)

    def advance(self, revision: int, event: Optional[Event[Any]]) -> List[Event[Any]]:
        """Takes a message, None being progress; returns what of it is news."""
        return self._advance_live(revision, event) if self._live else self._advance_snapshot(revision, event)

    def _advance_snapshot(self, revision: int, event: Optional[Event[Any]]) -> List[Event[Any]]:
        if event is None:
            return []
        news: List[Event[Any]] = [event] if self._reset_told else [Reset(revision), event]
        self._reset_told = True
        if isinstance(event, Synced):
            self._live = True
            self._complete = self._current = revision
        return news

    def _advance_live(self, revision: int, event: Optional[Event[Any]]) -> List[Event[Any]]:
        if revision > self._current:
            self._complete = self._current
            self._current = revision
            self._seen.clear()
            self._again.clear()
        if not isinstance(event, (Updated, Deleted)):
            # A watch that is resumed is first told the revision it was resumed from: that completes nothing.
            if revision == self._current:
                self._complete = self._current
                self._seen.clear()
                self._again.clear()
            return []
        if revision <= self._complete:
            return []
        again = self._again[event.name] = self._again.get(event.name, 0) + 1
        if again <= self._seen.get(event.name, 0):
            return []
        self._seen[event.name] = again
        return [event]
