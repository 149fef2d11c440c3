"""Runs the cases of test/clients/cases.ts through `Client`."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Callable, List, Tuple

import grpc
from google.protobuf.duration_pb2 import Duration

from lab import FEED, STILL, Story, ask, expect, one_line, until, update_request
from windlass_client import (
    Client,
    Reset,
    Synced,
    Updated,
    Watch,
    deployment_name,
    reason_of,
    v1,
    violations_of,
)

APPLICATION = "client-python"
NAME = f"applications/{APPLICATION}"
ECHO = deployment_name(APPLICATION, "Echo")

client = Client()


def refused(call: Callable[[], object], code: grpc.StatusCode, reason: str) -> grpc.RpcError:
    try:
        call()
    except grpc.RpcError as error:
        got = (error.code(), reason_of(error))
        expect(got == (code, reason), f"got {got}: {error.details()}")
        return error
    raise AssertionError(f"was not refused with {reason}")


def scaler() -> Client:
    secret = client.tokens.get_application_token(v1.GetApplicationTokenRequest(name=NAME)).secret
    return Client(token=secret)


def get_feed() -> v1.Application:
    return client.applications.get_application(v1.GetApplicationRequest(name="applications/feed")).application


def feed_watch() -> Watch[v1.Deployment]:
    return client.watch(v1.WatchDeploymentsRequest(parent="applications/feed"))


def from_environment() -> None:
    answer = client.instance.get_instance(v1.GetInstanceRequest())
    expect(answer.instance.state == v1.Instance.STATE_RUNNING, answer.instance)
    with Client(os.environ["WINDLASS_ADDRESS"], token="") as stranger:
        refused(
            lambda: stranger.instance.get_instance(v1.GetInstanceRequest()),
            grpc.StatusCode.UNAUTHENTICATED,
            "UNAUTHENTICATED",
        )


def deploys() -> None:
    answer = client.applications.update_application(update_request(APPLICATION))
    expect(answer.revision > 0, answer)
    running = client.wait_until_running(APPLICATION, timeout_s=60)
    expect(running.state == v1.Application.STATE_RUNNING and running.external_scaler_enabled, running)


def reads() -> None:
    application = client.applications.get_application(v1.GetApplicationRequest(name=NAME)).application
    expect(list(application.deployments) == ["Echo"], application)
    listed = client.applications.list_applications(v1.ListApplicationsRequest()).applications
    expect({each.name for each in listed} >= {NAME, "applications/feed", "applications/plain"}, listed)
    deployments = client.deployments.list_deployments(v1.ListDeploymentsRequest(parent=NAME)).deployments
    expect([each.target_num_replicas for each in deployments] == [1], deployments)
    with client.watch(v1.WatchReplicasRequest(parent=ECHO)) as watch:
        replicas = []
        for event in watch:
            if isinstance(event, Updated):
                replicas.append(event.resource)
            if isinstance(event, Synced):
                break
    expect([each.state for each in replicas] == [v1.Replica.STATE_RUNNING], replicas)


def scales() -> None:
    with scaler() as second:
        answer = second.deployments.scale_deployment(
            v1.ScaleDeploymentRequest(name=ECHO, target_num_replicas=2, reason="a test")
        )
    expect((answer.previous_target_num_replicas, answer.effective_target_num_replicas) == (1, 2), answer)
    expect(answer.deployment.target_reason == "a test", answer)


def unauthenticated() -> None:
    with Client(token="nobody") as stranger:
        request = v1.GetInstanceRequest()
        refused(lambda: stranger.instance.get_instance(request), grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
        # A watch gives up at once.
        refused(
            lambda: next(stranger.watch(v1.WatchInstanceRequest())),
            grpc.StatusCode.UNAUTHENTICATED,
            "UNAUTHENTICATED",
        )


def permission_denied() -> None:
    with scaler() as second:
        refused(
            lambda: second.applications.update_application(update_request(APPLICATION)),
            grpc.StatusCode.PERMISSION_DENIED,
            "PERMISSION_DENIED",
        )


def not_found() -> None:
    request = v1.GetApplicationRequest(name="applications/nope")
    error = refused(lambda: client.applications.get_application(request), grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    expect("nope" in (error.details() or ""), error.details())


def invalid_config() -> None:
    request = update_request(APPLICATION, max_ongoing_requests=0)
    request.config.deployments[0].graceful_shutdown_timeout_s = -1
    error = refused(
        lambda: client.applications.update_application(request), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CONFIG"
    )
    fields = sorted(each.field.rpartition(".")[2] for each in violations_of(error))
    expect(fields == ["graceful_shutdown_timeout_s", "max_ongoing_requests"], violations_of(error))
    expect(all(each.description for each in violations_of(error)), violations_of(error))


def scaler_disabled() -> None:
    request = v1.ScaleDeploymentRequest(name=STILL, target_num_replicas=2)
    refused(
        lambda: client.deployments.scale_deployment(request),
        grpc.StatusCode.FAILED_PRECONDITION,
        "EXTERNAL_SCALER_DISABLED",
    )


def stale_etag() -> None:
    request = v1.ScaleDeploymentRequest(name=FEED, target_num_replicas=2, etag="nope")
    refused(lambda: client.deployments.scale_deployment(request), grpc.StatusCode.ABORTED, "STALE_ETAG")


def history_compacted() -> None:
    ask("POST", "/compact")
    request = v1.WatchDeploymentsRequest(parent="applications/feed", start_revision=1)
    stream = client.deployments.watch_deployments(request)
    refused(lambda: next(stream), grpc.StatusCode.OUT_OF_RANGE, "HISTORY_COMPACTED")


def deadline() -> None:
    ask("POST", "/admit?how=hang")
    ask("POST", "/cut")
    began = time.monotonic()
    request = v1.GetApplicationRequest(name="applications/feed")
    refused(
        lambda: client.applications.get_application(request, timeout_s=0.5),
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "",
    )
    expect(time.monotonic() - began < 5, "took too long")
    ask("POST", "/admit?how=forward")
    get_feed()


def safe_again() -> None:
    get_feed()
    ask("POST", "/cut")
    ask("POST", "/fail-next?count=1")
    get_feed()


def write_once() -> None:
    before = client.tokens.list_tokens(v1.ListTokensRequest()).tokens
    ask("POST", "/admit?how=refuse")
    ask("POST", "/cut")
    request = v1.CreateTokenRequest(role=v1.ROLE_VIEWER)
    refused(lambda: client.tokens.create_token(request), grpc.StatusCode.UNAVAILABLE, "")
    ask("POST", "/admit?how=forward")
    after = client.tokens.list_tokens(v1.ListTokensRequest()).tokens
    expect(list(after) == list(before), after)


def watches() -> None:
    story = Story()
    with feed_watch() as watch:
        for event in watch:
            story.take(event)
            if isinstance(event, Synced):
                break
        expect(story.kinds == ["Reset", "Updated", "Synced"], story.kinds)
        written = ask("POST", "/write?count=3")
        for event in watch:
            story.take(event)
            if story.has(written["last"]):
                break
    story.expect_writes(written["first"], written["last"])


def over_cuts() -> None:
    story = Story()
    written = {"first": 0, "last": -1}

    def write() -> None:
        written.update(ask("POST", "/write?count=60&pause_ms=20"))

    writer = threading.Thread(target=write)
    with feed_watch() as watch:
        for event in watch:
            story.take(event)
            if isinstance(event, Synced):
                writer.start()
                cutter = threading.Thread(target=cut_three_times)
                cutter.start()
            if len(story.reasons) > 60:
                break
    writer.join()
    cutter.join()
    story.expect_writes(written["first"], written["last"])
    expect(story.kinds.count("Reset") == 1, story.kinds)


def cut_three_times() -> None:
    for _ in range(3):
        time.sleep(0.4)
        ask("POST", "/cut")


def begins_anew() -> None:
    story = Story()
    with feed_watch() as watch:
        for event in watch:
            story.take(event)
            if isinstance(event, Synced):
                break
        ask("POST", "/admit?how=refuse")
        ask("POST", "/cut")
        ask("POST", "/compact")
        ask("POST", "/admit?how=forward")
        anew: List[str] = []
        for event in watch:
            anew.append(type(event).__name__)
            if isinstance(event, Synced):
                break
        expect(anew == ["Reset", "Updated", "Synced"], anew)
        number = ask("POST", "/write?count=1")["last"]
        event = next(watch)
        told = isinstance(event, Updated) and event.resource.target_reason == f"write {number}"
        expect(told, event)


def half_open() -> None:
    story = Story()
    request = v1.WatchDeploymentsRequest(parent="applications/feed", progress_interval=Duration(nanos=300_000_000))
    with client.watch(request) as watch:
        for event in watch:
            story.take(event)
            if isinstance(event, Synced):
                break
        ask("POST", "/freeze")
        began = time.monotonic()
        number = ask("POST", "/write?count=1")["last"]
        for event in watch:
            story.take(event)
            if story.has(number):
                break
        expect(time.monotonic() - began < 10, "took too long")
    expect(story.kinds.count("Reset") == 1, story.kinds)
    # The connection of the other calls was frozen too, and is left as well.
    until(answers, "still waits for a connection that is dead", 20)


def answers() -> bool:
    request = v1.GetApplicationRequest(name="applications/feed")
    try:
        client.applications.get_application(request, timeout_s=0.5)
    except grpc.RpcError as error:
        expect(error.code() is grpc.StatusCode.DEADLINE_EXCEEDED, error)
        return False
    return True


def leaves() -> None:
    before = ask("GET", "/state")["watchers"]
    threads = threading.active_count()
    watch = feed_watch()
    expect(isinstance(next(watch), Reset), "no reset")
    expect(ask("GET", "/state")["watchers"] == before + 1, "is not watched")
    # From another thread, while this one reads.
    threading.Timer(0.2, watch.close).start()
    for _ in watch:
        pass
    until(lambda: ask("GET", "/state")["watchers"] <= before, "still watched")
    until(lambda: threading.active_count() <= threads, f"threads: {threading.enumerate()}")


def deletes() -> None:
    client.applications.delete_application(v1.DeleteApplicationRequest(name=NAME))
    with client.watch(v1.WatchApplicationsRequest(names=[NAME])) as watch:
        there = True
        synced = False
        for event in watch:
            if isinstance(event, Reset):
                there = False
            elif isinstance(event, Synced):
                synced = True
            else:
                there = isinstance(event, Updated)
            if synced and not there:
                break
    request = v1.GetApplicationRequest(name=NAME)
    refused(lambda: client.applications.get_application(request), grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


CASES: List[Tuple[str, Callable[[], None]]] = [
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


def main() -> None:
    for name, case in CASES:
        try:
            case()
        except Exception as error:
            print(f"not ok {name}: {one_line(error)}", flush=True)
        else:
            print(f"ok {name}", flush=True)
    client.close()
    left = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if any(not thread.daemon for thread in left):
        sys.exit(f"threads are left: {left}")


main()
