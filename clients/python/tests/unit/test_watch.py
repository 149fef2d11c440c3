"""A watch that goes on across cut connections, over a stream that is made up."""

from __future__ import annotations

import asyncio
import math
import threading
from typing import Any, Callable, Iterator, List, Tuple, Union

import grpc
import pytest

from windlass_client import AsyncClient, Client, Deleted, Event, Reset, Synced, Updated, Watch, v1
from windlass_client._calls import finite
from windlass_client._retry import backoff_s
from windlass_client._watchdog import Watchdog

REQUEST = v1.WatchDeploymentsRequest(parent="applications/shop")

NO_NEWS = r"^no news of applications/shop after 0\.2 s; the last attempt failed: UNAVAILABLE: .*refused"

Step = Union[v1.WatchDeploymentsResponse, grpc.StatusCode, None]


class Failed(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__()
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "made up"


class Stream:
    """Gives its steps: a message, a failure, or None, which is silence until the call is cancelled."""

    def __init__(self, steps: List[Step]) -> None:
        self._steps = iter(steps)
        self._cancelled = threading.Event()
        self.waits = threading.Event()

    def __iter__(self) -> Iterator[v1.WatchDeploymentsResponse]:
        return self

    def __next__(self) -> v1.WatchDeploymentsResponse:
        step = next(self._steps)
        if step is None:
            self.waits.set()
            assert self._cancelled.wait(10), "nobody cancelled"
            raise Failed(grpc.StatusCode.CANCELLED)
        if isinstance(step, grpc.StatusCode):
            raise Failed(step)
        return step

    def cancel(self) -> bool:
        self._cancelled.set()
        return True


class Server:
    """Answers the n-th call with the n-th list of steps."""

    def __init__(self, *attempts: List[Step]) -> None:
        self.streams = [Stream(steps) for steps in attempts]
        self.asked: List[int] = []
        self.open = 0

    def connect(self) -> Tuple[Any, Callable[[], None]]:
        self.open += 1
        return self, self._disconnect

    def _disconnect(self) -> None:
        self.open -= 1

    def stream(self, method: str, request: v1.WatchDeploymentsRequest, response: object) -> Stream:
        assert (method, request.parent) == ("/windlass.v1.DeploymentService/WatchDeployments", "applications/shop")
        self.asked.append(request.start_revision)
        return self.streams[len(self.asked) - 1]


def updated(revision: int, name: str) -> v1.WatchDeploymentsResponse:
    return v1.WatchDeploymentsResponse(revision=revision, updated=v1.Deployment(name=name))


def synced(revision: int) -> v1.WatchDeploymentsResponse:
    return v1.WatchDeploymentsResponse(revision=revision, synced=True)


def deleted(revision: int, name: str) -> v1.WatchDeploymentsResponse:
    return v1.WatchDeploymentsResponse(revision=revision, deleted=name)


def read(server: Server, count: int) -> List[Event[v1.Deployment]]:
    with Watch[v1.Deployment](REQUEST, server.connect) as watch:
        events = [next(watch) for _ in range(count)]
    assert server.open == 0
    assert list(watch) == []
    return events


def test_a_cut_stream_is_continued() -> None:
    server = Server(
        [updated(5, "a"), synced(5), updated(6, "a"), grpc.StatusCode.UNAVAILABLE],
        [grpc.StatusCode.UNAVAILABLE],
        [],
        [v1.WatchDeploymentsResponse(revision=5), updated(6, "a"), updated(6, "b"), deleted(7, "a")],
    )
    events = read(server, 6)
    assert events == [
        Reset(5),
        Updated(5, "a", v1.Deployment(name="a")),
        Synced(5),
        Updated(6, "a", v1.Deployment(name="a")),
        Updated(6, "b", v1.Deployment(name="b")),
        Deleted(7, "a"),
    ]
    assert server.asked == [0, 5, 5, 5]


def test_where_history_is_gone_it_begins_anew_at_once() -> None:
    server = Server([synced(5), grpc.StatusCode.OUT_OF_RANGE], [synced(90)])
    assert read(server, 4) == [Reset(5), Synced(5), Reset(90), Synced(90)]
    assert server.asked == [0, 0]


def test_a_silent_connection_is_left() -> None:
    request = v1.WatchDeploymentsRequest(parent="applications/shop")
    request.progress_interval.FromMilliseconds(100)
    server = Server([synced(5), None], [updated(6, "a")])
    with Watch[v1.Deployment](request, server.connect) as watch:
        events = [next(watch) for _ in range(3)]
    assert events[-1] == Updated(6, "a", v1.Deployment(name="a"))
    assert server.asked == [0, 5]


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.FAILED_PRECONDITION,
    ],
)
def test_what_trying_again_cannot_mend_is_raised(code: grpc.StatusCode) -> None:
    server = Server([code])
    watch = Watch[v1.Deployment](REQUEST, server.connect)
    with pytest.raises(grpc.RpcError) as raised:
        next(watch)
    assert raised.value.code() is code
    assert (server.asked, server.open) == ([0], 0)


def test_closing_from_another_thread_ends_the_loop() -> None:
    server = Server([synced(5), None])
    watch = Watch[v1.Deployment](REQUEST, server.connect)

    def close() -> None:
        assert server.streams[0].waits.wait(10)
        watch.close()

    closer = threading.Thread(target=close)
    closer.start()
    assert list(watch) == [Reset(5), Synced(5)]
    closer.join()
    assert server.open == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "windlass-watchdog"]


def test_a_watch_tells_where_another_may_go_on() -> None:
    server = Server([synced(5), updated(6, "a"), updated(7, "a")])
    with Watch[v1.Deployment](REQUEST, server.connect) as watch:
        assert [(next(watch).revision, watch.resume_revision) for _ in range(4)] == [(5, 5), (5, 5), (6, 5), (7, 6)]


def test_pauses_grow_from_a_tenth_of_a_second_to_five() -> None:
    assert [backoff_s(failures, 1.0) for failures in (1, 2, 3, 7, 2_000)] == [0.1, 0.2, 0.4, 5.0, 5.0]
    assert [backoff_s(failures, 0.0) for failures in (1, 2_000)] == [0.05, 2.5]


def test_a_watchdog_barks_at_what_takes_too_long_alone() -> None:
    dog = Watchdog()
    early, late = threading.Event(), threading.Event()
    dog.start(0.02, early.set)
    assert early.wait(10)
    for _ in range(100):
        # A longer wait that its thread sleeps for by now must not hide a shorter one.
        dog.start(30, early.clear)
        dog.stop()
    dog.start(30, early.clear)
    dog.start(0.02, late.set)
    assert late.wait(10)
    assert early.is_set()
    dog.end()


def test_only_watches_can_be_watched() -> None:
    with (
        Client("http://127.0.0.1:1", "t") as client,
        pytest.raises(TypeError, match=r"^GetInstanceRequest is no request"),
    ):
        client.watch(v1.GetInstanceRequest())  # type: ignore[call-overload]


def test_a_wait_ends_in_time_or_with_its_client() -> None:
    with Client("http://127.0.0.1:1", "t") as client:
        with pytest.raises(TimeoutError, match=NO_NEWS):
            client.wait_until_running("shop", timeout_s=0.2)
        closer = threading.Timer(0.2, client.close)
        closer.start()
        with pytest.raises(RuntimeError, match=r"^the client was closed while it waited$"):
            client.wait_until_running("shop", timeout_s=10)
        closer.join()


def test_a_wait_of_asyncio_too() -> None:
    async def main() -> None:
        async with AsyncClient("http://127.0.0.1:1", "t") as client:
            with pytest.raises(TimeoutError, match=NO_NEWS):
                await client.wait_until_running("shop", timeout_s=0.2)
            waiting = asyncio.ensure_future(client.wait_until_running("shop", timeout_s=10))
            await asyncio.sleep(0.2)
            await client.close()
            with pytest.raises(RuntimeError, match=r"^the client was closed while it waited$"):
                await waiting

    asyncio.run(main())


def test_what_is_begun_after_the_end_of_a_client_ends_at_once() -> None:
    client = Client("http://127.0.0.1:1", "t")
    client.close()
    assert list(client.watch(REQUEST)) == []
    with pytest.raises(RuntimeError, match=r"^the client was closed while it waited$"):
        client.wait_until_running("shop", timeout_s=10)


def test_what_is_begun_after_the_end_of_a_client_of_asyncio_ends_at_once() -> None:
    async def main() -> None:
        client = AsyncClient("http://127.0.0.1:1", "t")
        await client.close()
        assert [event async for event in client.watch(REQUEST)] == []

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_wait_may_have_no_end() -> None:
    failed: List[object] = []
    before, threading.excepthook = threading.excepthook, failed.append
    try:
        with Client("http://127.0.0.1:1", "t") as client:
            closer = threading.Timer(0.2, client.close)
            closer.start()
            with pytest.raises(RuntimeError, match=r"^the client was closed while it waited$"):
                client.wait_until_running("shop", timeout_s=math.inf)
            closer.join()
    finally:
        threading.excepthook = before
    assert failed == []


def test_a_deadline_that_no_clock_can_tell_is_none() -> None:
    assert [finite(each) for each in (None, math.inf, 1e12, 5.0)] == [None, None, None, 5.0]


def test_a_call_that_nobody_answers_is_unavailable() -> None:
    with Client("http://127.0.0.1:1", "t", timeout_s=0.3) as client, pytest.raises(grpc.RpcError) as raised:
        client.tokens.create_token(v1.CreateTokenRequest())
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
