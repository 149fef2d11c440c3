"""A watch for asyncio that goes on across cut connections."""

from __future__ import annotations

import asyncio
import random
from types import TracebackType
from typing import (
    Any,
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generic,
    List,
    Optional,
    Tuple,
    Type,
    TypeVar,
)

import grpc
import grpc.aio
from google.protobuf.message import Message

from windlass_client._aio_calls import AsyncCaller
from windlass_client._events import Event
from windlass_client._feeds import Feed, feed_of, resumed, silence_s
from windlass_client._position import Position
from windlass_client._retry import CONNECT_S, FINAL, backoff_s, compacted, log

Resource = TypeVar("Resource")

Connect = Callable[[], Tuple[AsyncCaller, Callable[[], Awaitable[None]]]]
"""Makes a connection of its own; returns it and what closes it."""


class AsyncWatch(Generic[Resource]):
    """The events of a watch: an asynchronous iterator that ends when it is closed. Else as `Watch`.

    Use it as an asynchronous context manager, or close it: until then it holds a connection.
    """

    def __init__(self, request: Message, connect: Connect) -> None:
        self._request = request
        self._feed: Feed = feed_of(request)
        self._connect = connect
        self._silence_s = silence_s(request)
        self._position = Position(request.start_revision)  # type: ignore[attr-defined]
        self._closed = False
        self._reader: Optional[asyncio.Task[Event[Resource]]] = None
        self._reading = False
        self._events = self._run()
        self.last_failure = ""
        """Why the last attempt ended; empty while the connection is up."""

    @property
    def resume_revision(self) -> int:
        """The `start_revision` for a watch that shall go on after what this one told; 0 before `Synced`.

        Events of later revisions that were told already come again then.
        """
        return self._position.resume_revision

    def end(self) -> None:
        """Ends a watch that nobody has read yet."""
        self._closed = True

    async def close(self) -> None:
        """Ends the watch; the loop of another task that reads it ends."""
        self._closed = True
        reader = self._reader
        if reader is not None:
            reader.cancel()
            await asyncio.wait([reader])
        await self._events.aclose()

    async def __aenter__(self) -> AsyncWatch[Resource]:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[Event[Resource]]:
        return self

    async def __anext__(self) -> Event[Resource]:
        if self._reading:
            raise RuntimeError("another task reads this watch: give each task a watch of its own")
        if self._closed:
            raise StopAsyncIteration
        # Read by a task of its own: a reader that is cancelled, by a timeout for instance, loses no event.
        if self._reader is None:
            self._reader = asyncio.ensure_future(self._events.__anext__())
        reader = self._reader
        self._reading = True
        try:
            await asyncio.wait([reader])
        finally:
            self._reading = False
        self._reader = None
        if reader.cancelled():
            raise StopAsyncIteration
        return reader.result()

    async def _run(self) -> AsyncGenerator[Event[Resource], None]:
        failures = 0
        while not self._closed:
            self._position.begin()
            why = "the server ended the stream"
            attempt = self._attempt()
            try:
                async for events in attempt:
                    failures = 0
                    self.last_failure = ""
                    for event in events:
                        yield event
            except grpc.aio.AioRpcError as error:
                if compacted(error, self._position.resume_revision):
                    log.info("history after revision %d is gone: beginning anew", self._position.resume_revision)
                    self._position.forget()
                    continue
                if error.code() in FINAL:
                    raise
                why = f"{error.code().name}: {error.details()}"
            except asyncio.TimeoutError:
                why = f"silent for {self._silence_s} s"
            finally:
                await attempt.aclose()
            failures += 1
            self.last_failure = why
            pause_s = backoff_s(failures, random.random())
            log.info("the watch was cut (%s); trying again in %.1f s", why, pause_s)
            await asyncio.sleep(pause_s)

    async def _attempt(self) -> AsyncGenerator[List[Event[Resource]], None]:
        # A connection of its own for each attempt: one that fell silent may be shared with nothing.
        caller, disconnect = self._connect()
        call: Any = caller.stream(
            self._feed.method, resumed(self._request, self._position.resume_revision), self._feed.response
        )
        try:
            limit_s = max(self._silence_s, CONNECT_S)
            while True:
                message = await asyncio.wait_for(call.read(), limit_s)
                if message is grpc.aio.EOF:
                    return
                limit_s = self._silence_s
                yield self._position.advance(message.revision, self._feed.event_of(message))
        finally:
            call.cancel()
            await disconnect()
