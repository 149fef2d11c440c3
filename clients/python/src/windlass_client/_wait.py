"""When an application counts as running. Pure."""

from __future__ import annotations

import threading
from typing import Optional

from windlass_client._events import Deleted, Event, Reset, Synced, Updated
from windlass_client._gen import v1

CLOSED = "the client was closed while it waited"

MOST_WAIT_S = threading.TIMEOUT_MAX / 2
"""Timers cannot be set to more."""


class ApplicationFailed(Exception):
    """An application that was waited for failed to deploy, or was deleted."""

    def __init__(self, message: str, application: Optional[v1.Application]) -> None:
        super().__init__(message)
        self.application = application
        """As it is; None where it was deleted."""


class Waiting:
    """What a wait for one application knows."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._application: Optional[v1.Application] = None
        self._synced = False

    def take(self, event: Event[v1.Application]) -> Optional[v1.Application]:
        """Takes an event; returns the application once it runs as it was last written. Raises ApplicationFailed."""
        if isinstance(event, Reset):
            self._application = None
            self._synced = False
        elif isinstance(event, Updated):
            self._application = event.resource
        elif isinstance(event, Deleted):
            self._application = None
        elif isinstance(event, Synced):
            self._synced = True
        return self._verdict() if self._synced else None

    def _verdict(self) -> Optional[v1.Application]:
        application = self._application
        if application is None:
            raise ApplicationFailed(f"{self.name} is not there: it was deleted meanwhile", None)
        # An older generation's outcome says nothing about what was written last.
        if application.observed_generation < application.generation:
            return None
        if application.state == v1.Application.STATE_DEPLOY_FAILED:
            why = application.message or "no reason given"
            raise ApplicationFailed(f"{self.name} failed to deploy: {why}", application)
        running = application.state == v1.Application.STATE_RUNNING and not application.reconciling
        return application if running else None

    def timed_out(self, timeout_s: float, last_failure: str) -> str:
        """What to say of a wait that took too long; `last_failure` is why there is no connection."""
        if self._application is None:
            last = f"; the last attempt failed: {last_failure}" if last_failure else ""
            return f"no news of {self.name} after {timeout_s:g} s{last}"
        state = v1.Application.State.Name(self._application.state)
        why = f" ({self._application.message})" if self._application.message else ""
        return f"{self.name} does not run after {timeout_s:g} s: {state}{why}; it goes on"
