"""Runs the cases of test/clients/cases.ts through `AsyncClient`."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from typing import Any, Awaitable, Callable, List, Tuple

import grpc
from google.protobuf.duration_pb2 import Duration

from lab import FEED, STILL, Story, ask, expect, one_line, update_request
from windlass_client import (
    AsyncClient,
    AsyncWatch,
    Reset,
    Synced,
    Updated,
    deployment_name,
    reason_of,
    v1,
    violations_of,
)

APPLICATION = "client-python-asyncio"
NAME = f"applications/{APPLICATION}"
ECHO = deployment_name(APPLICATION, "Echo")


async def lab(method: str, path: str) -> Any:  # noqa: ANN401
    return await asyncio.get_running_loop().run_in_executor(None, ask, method, path)


async def refused(call: Awaitable[object], code: grpc.StatusCode, reason: str) -> grpc.aio.AioRpcError:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        got = (error.code(), reason_of(error))
        expect(got == (code, reason), f"got {got}: {error.details()}")
        return error
    raise AssertionError(f"was not refused with {reason}")


async def scaler(client: AsyncClient) -> AsyncClient:
    answer = await client.tokens.get_application_token(v1.GetApplicationTokenRequest(name=NAME))
    return AsyncClient(token=answer.secret)


async def get_feed(client: AsyncClient) -> None:
    await client.applications.get_application(v1.GetApplicationRequest(name="applications/feed"))


def feed_watch(client: AsyncClient) -> AsyncWatch[v1.Deployment]:
    return client.watch(v1.WatchDeploymentsRequest(parent="applications/feed"))


async def read_until(watch: AsyncWatch[v1.Deployment], story: Story, done: Callable[[], bool]) -> None:
    async for event in watch:
        story.take(event)
        if done():
            return


async def from_environment(client: AsyncClient) -> None:
    answer = await client.instance.get_instance(v1.GetInstanceRequest())
    expect(answer.instance.state == v1.Instance.STATE_RUNNING, answer.instance)
    async with AsyncClient(os.environ["WINDLASS_ADDRESS"], token="") as stranger:
        call = stranger.instance.get_instance(v1.GetInstanceRequest())
        await refused(call, grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def deploys(client: AsyncClient) -> None:
    answer = await client.applications.update_application(update_request(APPLICATION))
    expect(answer.revision > 0, answer)
    running = await client.wait_until_running(APPLICATION, timeout_s=60)
    expect(running.state == v1.Application.STATE_RUNNING and running.external_scaler_enabled, running)


async def reads(client: AsyncClient) -> None:
    application = (await client.applications.get_application(v1.GetApplicationRequest(name=NAME))).application
    expect(list(application.deployments) == ["Echo"], application)
    listed = (await client.applications.list_applications(v1.ListApplicationsRequest())).applications
    expect({each.name for each in listed} >= {NAME, "applications/feed", "applications/plain"}, listed)
    deployments = (await client.deployments.list_deployments(v1.ListDeploymentsRequest(parent=NAME))).deployments
    expect([each.target_num_replicas for each in deployments] == [1], deployments)
    replicas = []
    async with client.watch(v1.WatchReplicasRequest(parent=ECHO)) as watch:
        async for event in watch:
            if isinstance(event, Updated):
                replicas.append(event.resource)
            if isinstance(event, Synced):
                break
    expect([each.state for each in replicas] == [v1.Replica.STATE_RUNNING], replicas)


async def scales(client: AsyncClient) -> None:
    request = v1.ScaleDeploymentRequest(name=ECHO, target_num_replicas=2, reason="a test")
    async with await scaler(client) as second:
        answer = await second.deployments.scale_deployment(request)
    expect((answer.previous_target_num_replicas, answer.effective_target_num_replicas) == (1, 2), answer)
    expect(answer.deployment.target_reason == "a test", answer)


async def unauthenticated(client: AsyncClient) -> None:
    async with AsyncClient(token="nobody") as stranger:
        call = stranger.instance.get_instance(v1.GetInstanceRequest())
        await refused(call, grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
        # A watch gives up at once.
        event = stranger.watch(v1.WatchInstanceRequest()).__anext__()
        await refused(event, grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def permission_denied(client: AsyncClient) -> None:
    async with await scaler(client) as second:
        call = second.applications.update_application(update_request(APPLICATION))
        await refused(call, grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


async def not_found(client: AsyncClient) -> None:
    call = client.applications.get_application(v1.GetApplicationRequest(name="applications/nope"))
    error = await refused(call, grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    expect("nope" in (error.details() or ""), error.details())


async def invalid_config(client: AsyncClient) -> None:
    request = update_request(APPLICATION, max_ongoing_requests=0)
    request.config.deployments[0].graceful_shutdown_timeout_s = -1
    call = client.applications.update_application(request)
    error = await refused(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CONFIG")
    fields = sorted(each.field.rpartition(".")[2] for each in violations_of(error))
    expect(fields == ["graceful_shutdown_timeout_s", "max_ongoing_requests"], violations_of(error))


async def scaler_disabled(client: AsyncClient) -> None:
    call = client.deployments.scale_deployment(v1.ScaleDeploymentRequest(name=STILL, target_num_replicas=2))
    await refused(call, grpc.StatusCode.FAILED_PRECONDITION, "EXTERNAL_SCALER_DISABLED")


async def stale_etag(client: AsyncClient) -> None:
    request = v1.ScaleDeploymentRequest(name=FEED, target_num_replicas=2, etag="nope")
    await refused(client.deployments.scale_deployment(request), grpc.StatusCode.ABORTED, "STALE_ETAG")


async def history_compacted(client: AsyncClient) -> None:
    await lab("POST", "/compact")
    request = v1.WatchDeploymentsRequest(parent="applications/feed", start_revision=1)

    async def first() -> object:
        async for message in client.deployments.watch_deployments(request):
            return message
        return None

    await refused(first(), grpc.StatusCode.OUT_OF_RANGE, "HISTORY_COMPACTED")


async def deadline(client: AsyncClient) -> None:
    await lab("POST", "/admit?how=hang")
    await lab("POST", "/cut")
    began = time.monotonic()
    request = v1.GetApplicationRequest(name="applications/feed")
    call = client.applications.get_application(request, timeout_s=0.5)
    await refused(call, grpc.StatusCode.DEADLINE_EXCEEDED, "")
    expect(time.monotonic() - began < 5, "took too long")
    await lab("POST", "/admit?how=forward")
    await get_feed(client)


async def safe_again(client: AsyncClient) -> None:
    await get_feed(client)
    await lab("POST", "/cut")
    await lab("POST", "/fail-next?count=1")
    await get_feed(client)


async def write_once(client: AsyncClient) -> None:
    before = (await client.tokens.list_tokens(v1.ListTokensRequest())).tokens
    await lab("POST", "/admit?how=refuse")
    await lab("POST", "/cut")
    call = client.tokens.create_token(v1.CreateTokenRequest(role=v1.ROLE_VIEWER))
    await refused(call, grpc.StatusCode.UNAVAILABLE, "")
    await lab("POST", "/admit?how=forward")
    after = (await client.tokens.list_tokens(v1.ListTokensRequest())).tokens
    expect(list(after) == list(before), after)


async def watches(client: AsyncClient) -> None:
    story = Story()
    async with feed_watch(client) as watch:
        await read_until(watch, story, lambda: story.synced)
        expect(story.kinds == ["Reset", "Updated", "Synced"], story.kinds)
        # A reader that was cancelled loses no event.
        waiting = asyncio.ensure_future(watch.__anext__())
        await asyncio.sleep(0)
        waiting.cancel()
        written = await lab("POST", "/write?count=3")
        await read_until(watch, story, lambda: story.has(written["last"]))
    story.expect_writes(written["first"], written["last"])


async def over_cuts(client: AsyncClient) -> None:
    story = Story()

    async def cut_three_times() -> None:
        for _ in range(3):
            await asyncio.sleep(0.4)
            await lab("POST", "/cut")

    async with feed_watch(client) as watch:
        await read_until(watch, story, lambda: story.synced)
        writing = asyncio.ensure_future(lab("POST", "/write?count=60&pause_ms=20"))
        cutting = asyncio.ensure_future(cut_three_times())
        await read_until(watch, story, lambda: len(story.reasons) > 60)
    written = await writing
    await cutting
    story.expect_writes(written["first"], written["last"])
    expect(story.kinds.count("Reset") == 1, story.kinds)


async def begins_anew(client: AsyncClient) -> None:
    story = Story()
    async with feed_watch(client) as watch:
        await read_until(watch, story, lambda: story.synced)
        await lab("POST", "/admit?how=refuse")
        await lab("POST", "/cut")
        await lab("POST", "/compact")
        await lab("POST", "/admit?how=forward")
        anew = Story()
        await read_until(watch, anew, lambda: anew.synced)
        expect(anew.kinds == ["Reset", "Updated", "Synced"], anew.kinds)
        number = (await lab("POST", "/write?count=1"))["last"]
        await read_until(watch, anew, lambda: anew.has(number))


async def half_open(client: AsyncClient) -> None:
    story = Story()
    request = v1.WatchDeploymentsRequest(parent="applications/feed", progress_interval=Duration(nanos=300_000_000))
    async with client.watch(request) as watch:
        await read_until(watch, story, lambda: story.synced)
        await lab("POST", "/freeze")
        began = time.monotonic()
        number = (await lab("POST", "/write?count=1"))["last"]
        await read_until(watch, story, lambda: story.has(number))
        expect(time.monotonic() - began < 10, "took too long")
    expect(story.kinds.count("Reset") == 1, story.kinds)
    # The connection of the other calls was frozen too, and is left as well.
    while not await answers(client):
        expect(time.monotonic() - began < 30, "still waits for a connection that is dead")


async def answers(client: AsyncClient) -> bool:
    request = v1.GetApplicationRequest(name="applications/feed")
    try:
        await client.applications.get_application(request, timeout_s=0.5)
    except grpc.aio.AioRpcError as error:
        expect(error.code() is grpc.StatusCode.DEADLINE_EXCEEDED, error)
        return False
    return True


async def leaves(client: AsyncClient) -> None:
    before = (await lab("GET", "/state"))["watchers"]
    tasks = len(asyncio.all_tasks())
    watch = feed_watch(client)
    expect(isinstance(await watch.__anext__(), Reset), "no reset")
    expect((await lab("GET", "/state"))["watchers"] == before + 1, "is not watched")

    async def read_on() -> None:
        async for _ in watch:
            pass

    # From another task than the one that reads.
    reading = asyncio.ensure_future(read_on())
    await asyncio.sleep(0.2)
    await watch.close()
    await asyncio.wait_for(reading, 5)
    deadline_at = time.monotonic() + 5
    while (await lab("GET", "/state"))["watchers"] > before:
        expect(time.monotonic() < deadline_at, "still watched")
        await asyncio.sleep(0.05)
    expect(len(asyncio.all_tasks()) <= tasks, asyncio.all_tasks())


async def deletes(client: AsyncClient) -> None:
    await client.applications.delete_application(v1.DeleteApplicationRequest(name=NAME))
    there, synced = True, False
    async with client.watch(v1.WatchApplicationsRequest(names=[NAME])) as watch:
        async for event in watch:
            if isinstance(event, Reset):
                there = False
            elif isinstance(event, Synced):
                synced = True
            else:
                there = isinstance(event, Updated)
            if synced and not there:
                break
    call = client.applications.get_application(v1.GetApplicationRequest(name=NAME))
    await refused(call, grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


CASES: List[Tuple[str, Callable[[AsyncClient], Awaitable[None]]]] = [
    ("takes address and token from the environment", from_environment),
    ("deploys an application and waits until it runs", deploys),
    ("reads applications, deployments and replicas", reads),
    ("scales with the scaler token of the application", scales),
    ("tells UNAUTHENTICATED of an unknown token", unauthenticated),
    ("tells PERMISSION_DENIED of a scaler that deploys", permission_denied),
    ("tells NOT_FOUND of an application that is not there", not_found),
    ("tells INVALID_CONFIG with each violation", invalid_config),
    ("tells EXTERNAL_SCALER_DISABLED", scaler_disabled),
    ("tells STALE_ETAG", stale_etag),
    ("tells HISTORY_COMPACTED of a watch from long ago", history_compacted),
    ("ends a call at its deadline", deadline),
    ("tries a safe call again", safe_again),
    ("does not try a write again", write_once),
    ("watches what is, synced, then each change", watches),
    ("watches on over cuts without a gap or a repeat", over_cuts),
    ("begins anew with the present state where history is gone", begins_anew),
    ("notices a half-open connection", half_open),
    ("leaves a watch cleanly", leaves),
    ("deletes the application", deletes),
]


async def main() -> None:
    async with AsyncClient() as client:
        for name, case in CASES:
            try:
                await case(client)
            except Exception as error:
                print(f"not ok {name}: {one_line(error)}", flush=True)
            else:
                print(f"ok {name}", flush=True)


asyncio.run(main())
left = [thread for thread in threading.enumerate() if not thread.daemon and thread is not threading.main_thread()]
if left:
    sys.exit(f"threads are left: {left}")
