"""The client that waits."""

from __future__ import annotations

import os
import threading
import weakref
from types import TracebackType
from typing import Any, Callable, Optional, Tuple, Type, Union, overload

import grpc
from google.protobuf.message import Message

from windlass_client._calls import Caller
from windlass_client._channel import channel_options, credentials_for, metadata_for
from windlass_client._gen import v1
from windlass_client._gen.services import ApplicationService, DeploymentService, InstanceService, TokenService
from windlass_client._names import application_name
from windlass_client._target import find_target
from windlass_client._wait import CLOSED, MOST_WAIT_S, Waiting
from windlass_client._watch import Watch


class Client:
    """A connection to a Windlass. Use it as a context manager, or close it. Threads may share it.

    `address` is `http://host:port` or `https://host:port`; default: `WINDLASS_ADDRESS`, else http://127.0.0.1:8265.
    `token` defaults to `WINDLASS_TOKEN`, else on a loopback address to the admin's token in the state dir; "" is none.
    `timeout_s` is the deadline of a call that is given none; watches have none. `root_certificates` (PEM) are trusted
    instead of the usual ones. Nothing is sent before the first call.

    Failed calls raise grpc.RpcError. Calls without side effects are tried again while the server is not available.
    """

    applications: ApplicationService
    """Reads, writes, deletes and rolls back applications."""
    deployments: DeploymentService
    """Reads and scales deployments."""
    instance: InstanceService
    """The instance as a whole."""
    tokens: TokenService
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
        self._watches: weakref.WeakSet[Watch[Any]] = weakref.WeakSet()
        self._closed = False
        caller, self._disconnect = self._connect()
        self.applications = ApplicationService(caller)
        self.deployments = DeploymentService(caller)
        self.instance = InstanceService(caller)
        self.tokens = TokenService(caller)

    def close(self) -> None:
        """Ends every call and watch; those that are begun later end at once."""
        self._closed = True
        for watch in list(self._watches):
            watch.close()
        self._disconnect()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    @overload
    def watch(self, request: v1.WatchApplicationsRequest) -> Watch[v1.Application]: ...
    @overload
    def watch(self, request: v1.WatchDeploymentsRequest) -> Watch[v1.Deployment]: ...
    @overload
    def watch(self, request: v1.WatchReplicasRequest) -> Watch[v1.Replica]: ...
    @overload
    def watch(self, request: v1.WatchScalingDecisionsRequest) -> Watch[v1.ScalingDecision]: ...
    @overload
    def watch(
        self, request: v1.WatchInstanceRequest
    ) -> Watch[Union[v1.Instance, v1.Application, v1.Deployment, v1.Replica]]: ...
    def watch(self, request: Message) -> Watch[Any]:
        """Watches what the request names, across cut connections: see `Watch`."""
        watch: Watch[Any] = Watch(request, lambda: self._connect(alone=True))
        self._watches.add(watch)
        # After it was added: whoever closes the client just now sees it, or is seen.
        if self._closed:
            watch.close()
        return watch

    def wait_until_running(self, application: str, *, timeout_s: float = 300.0) -> v1.Application:
        """Waits until an application runs as it was last written; `application` is its name as its config has it.

        Raises ApplicationFailed where it failed to deploy or was deleted, TimeoutError, and what a watch raises.
        """
        waiting = Waiting(application_name(application))
        too_long = threading.Event()
        with self.watch(v1.WatchApplicationsRequest(names=[waiting.name])) as watch:

            def give_up() -> None:
                too_long.set()
                watch.close()

            timer = threading.Timer(min(timeout_s, MOST_WAIT_S), give_up)
            timer.daemon = True
            timer.start()
            try:
                for event in watch:
                    running = waiting.take(event)
                    if running is not None:
                        return running
            finally:
                timer.cancel()
        if not too_long.is_set():
            raise RuntimeError(CLOSED)
        raise TimeoutError(waiting.timed_out(timeout_s, watch.last_failure))

    def _connect(self, *, alone: bool = False) -> Tuple[Caller, Callable[[], None]]:
        options = channel_options(self._target, alone=alone)
        if self._credentials is None:
            channel = grpc.insecure_channel(self._target.authority, options)
        else:
            channel = grpc.secure_channel(self._target.authority, self._credentials, options)
        return Caller(channel, metadata_for(self._target), self._timeout_s), channel.close
