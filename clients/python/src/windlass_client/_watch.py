"""A watch that goes on across cut connections."""

from __future__ import annotations

import random
import threading
from types import TracebackType
from typing import Any, Callable, Generator, Generic, Iterator, List, Optional, Tuple, Type, TypeVar

import grpc
from google.protobuf.message import Message

from windlass_client._calls import Caller, ResponseStream
from windlass_client._events import Event
from windlass_client._feeds import Feed, feed_of, resumed, silence_s
from windlass_client._position import Position
from windlass_client._retry import CONNECT_S, FINAL, backoff_s, compacted, log
from windlass_client._watchdog import Watchdog

Resource = TypeVar("Resource")

Connect = Callable[[], Tuple[Caller, Callable[[], None]]]
"""Makes a connection of its own; returns it and what closes it."""


class Watch(Generic[Resource]):
    """The events of a watch: an iterator that ends when it is closed.

    It connects again when the connection is cut or silent, waiting from 0.1 s to 5 s between attempts, without a gap
    or a repeat. Where the history to continue from is gone it tells `Reset` and the present state. What trying again
    cannot mend is raised as grpc.RpcError: an unknown token, a missing permission, a request that breaks a rule.

    Use it as a context manager, or close it: until then it holds a connection. Attempts are logged to the logger
    "windlass_client".
    """

    def __init__(self, request: Message, connect: Connect) -> None:
        self._request = request
        self._feed: Feed = feed_of(request)
        self._connect = connect
        self._silence_s = silence_s(request)
        self._position = Position(request.start_revision)  # type: ignore[attr-defined]
        self._watchdog = Watchdog()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._call: Optional[ResponseStream[Any]] = None
        self._events = self._run()
        self.last_failure = ""
        """Why the last attempt ended; empty while the connection is up."""

    @property
    def resume_revision(self) -> int:
        """The `start_revision` for a watch that shall go on after what this one told; 0 before `Synced`.

        Events of later revisions that were told already come again then.
        """
        return self._position.resume_revision

    def close(self) -> None:
        """Ends the watch, from any thread; a reader's loop ends."""
        with self._lock:
            self._closed.set()
            if self._call is not None:
                self._call.cancel()
        try:
            self._events.close()
        except ValueError:
            # Another thread reads just now, and comes to the end by itself.
            return
        self._watchdog.end()

    def __enter__(self) -> Watch[Resource]:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event[Resource]]:
        return self

    def __next__(self) -> Event[Resource]:
        return next(self._events)

    def _run(self) -> Generator[Event[Resource], None, None]:
        failures = 0
        try:
            while not self._closed.is_set():
                self._position.begin()
                why = "the server ended the stream"
                try:
                    for events in self._attempt():
                        failures = 0
                        self.last_failure = ""
                        yield from events
                except grpc.RpcError as error:
                    if self._closed.is_set():
                        return
                    if compacted(error, self._position.resume_revision):
                        log.info("history after revision %d is gone: beginning anew", self._position.resume_revision)
                        self._position.forget()
                        continue
                    if error.code() in FINAL:
                        raise
                    why = f"{error.code().name}: {error.details()}"
                failures += 1
                self.last_failure = why
                pause_s = backoff_s(failures, random.random())
                if not self._closed.is_set():
                    log.info("the watch was cut (%s); trying again in %.1f s", why, pause_s)
                self._closed.wait(pause_s)
        finally:
            self._watchdog.end()

    def _attempt(self) -> Iterator[List[Event[Resource]]]:
        # A connection of its own for each attempt: one that fell silent may be shared with nothing.
        caller, disconnect = self._connect()
        call = caller.stream(
            self._feed.method, resumed(self._request, self._position.resume_revision), self._feed.response
        )
        try:
            with self._lock:
                self._call = call
                if self._closed.is_set():
                    return
            limit_s = max(self._silence_s, CONNECT_S)
            while True:
                self._watchdog.start(limit_s, call.cancel)
                try:
                    message: Any = next(call)
                except StopIteration:
                    return
                finally:
                    self._watchdog.stop()
                limit_s = self._silence_s
                yield self._position.advance(message.revision, self._feed.event_of(message))
        finally:
            call.cancel()
            disconnect()
