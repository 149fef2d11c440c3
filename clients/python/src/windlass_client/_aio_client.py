"""The client for asyncio."""

from __future__ import annotations

import asyncio
import os
import weakref
from types import TracebackType
from typing import Any, Awaitable, Callable, Optional, Tuple, Type, Union, overload

import grpc.aio
from google.protobuf.message import Message

from windlass_client._aio_calls import AsyncCaller
from windlass_client._aio_watch import AsyncWatch
from windlass_client._channel import channel_options, credentials_for, metadata_for
from windlass_client._gen import v1
from windlass_client._gen.aio_services import (
    AsyncApplicationService,
    AsyncDeploymentService,
    AsyncInstanceService,
    AsyncTokenService,
)
from windlass_client._names import application_name
from windlass_client._target import find_target
from windlass_client._wait import CLOSED, MOST_WAIT_S, Waiting


class AsyncClient:
    """A connection to a Windlass, for the tasks of one event loop. Make it within that loop.

    Use it as an asynchronous context manager, or close it. Else as `Client`.
    """

    applications: AsyncApplicationService
    """Reads, writes, deletes and rolls back applications."""
    deployments: AsyncDeploymentService
    """Reads and scales deployments."""
    instance: AsyncInstanceService
    """The instance as a whole."""
    tokens: AsyncTokenService
    """Bearer tokens."""

    def __init__(
        self,
        address: Optional[str] = None,
        token: Optional[str] = None,
        *,
        timeout_s: float = 10.0,
        root_certificates: Optional[bytes] = None,
    ) -> None:
        self._target = find_target(address, token, os.environ)
        self._credentials = credentials_for(self._target, root_certificates)
        self._timeout_s = timeout_s
        self._watches: weakref.WeakSet[AsyncWatch[Any]] = weakref.WeakSet()
        self._closed = False
        caller, self._disconnect = self._connect()
        self.applications = AsyncApplicationService(caller)
        self.deployments = AsyncDeploymentService(caller)
        self.instance = AsyncInstanceService(caller)
        self.tokens = AsyncTokenService(caller)

    async def close(self) -> None:
        """Ends every call and watch; those that are begun later end at once."""
        self._closed = True
        for watch in list(self._watches):
            await watch.close()
        await self._disconnect()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    @overload
    def watch(self, request: v1.WatchApplicationsRequest) -> AsyncWatch[v1.Application]: ...
    @overload
    def watch(self, request: v1.WatchDeploymentsRequest) -> AsyncWatch[v1.Deployment]: ...
    @overload
    def watch(self, request: v1.WatchReplicasRequest) -> AsyncWatch[v1.Replica]: ...
    @overload
    def watch(self, request: v1.WatchScalingDecisionsRequest) -> AsyncWatch[v1.ScalingDecision]: ...
    @overload
    def watch(
        self, request: v1.WatchInstanceRequest
    ) -> AsyncWatch[Union[v1.Instance, v1.Application, v1.Deployment, v1.Replica]]: ...
    def watch(self, request: Message) -> AsyncWatch[Any]:
        """Watches what the request names, across cut connections: see `AsyncWatch`."""
        watch: AsyncWatch[Any] = AsyncWatch(request, lambda: self._connect(alone=True))
        self._watches.add(watch)
        if self._closed:
            watch.end()
        return watch

    async def wait_until_running(self, application: str, *, timeout_s: float = 300.0) -> v1.Application:
        """Waits until an application runs as it was last written; `application` is its name as its config has it.

        Raises ApplicationFailed where it failed to deploy or was deleted, TimeoutError, and what a watch raises.
        """
        waiting = Waiting(application_name(application))
        watch = self.watch(v1.WatchApplicationsRequest(names=[waiting.name]))
        try:
            reading = self._wait(watch, waiting)
            return await asyncio.wait_for(reading, None if timeout_s > MOST_WAIT_S else timeout_s)
        except asyncio.TimeoutError:
            # Before Python 3.11 asyncio's was not the built-in one.
            raise TimeoutError(waiting.timed_out(timeout_s, watch.last_failure)) from None

    async def _wait(self, watch: AsyncWatch[v1.Application], waiting: Waiting) -> v1.Application:
        async with watch:
            async for event in watch:
                running = waiting.take(event)
                if running is not None:
                    return running
        raise RuntimeError(CLOSED)

    def _connect(self, *, alone: bool = False) -> Tuple[AsyncCaller, Callable[[], Awaitable[None]]]:
        options = channel_options(self._target, alone=alone)
        if self._credentials is None:
            channel = grpc.aio.insecure_channel(self._target.authority, options)
        else:
            channel = grpc.aio.secure_channel(self._target.authority, self._credentials, options)
        return AsyncCaller(channel, metadata_for(self._target), self._timeout_s), lambda: channel.close(None)
