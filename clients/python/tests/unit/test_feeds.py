"""How the messages of each watch become events."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message

from windlass_client import Deleted, Synced, Updated, v1
from windlass_client._feeds import feed_of, resumed, silence_s

REPLICA = v1.Replica(name="applications/a/deployments/d/replicas/r")
DEPLOYMENT = v1.Deployment(name="applications/a/deployments/d")
APPLICATION = v1.Application(name="applications/a")
DECISION = v1.ScalingDecision(result=3)
REQUESTS = [
    v1.WatchInstanceRequest(),
    v1.WatchApplicationsRequest(names=["applications/a"]),
    v1.WatchDeploymentsRequest(parent="applications/a"),
    v1.WatchReplicasRequest(parent="applications/a/deployments/d"),
    v1.WatchScalingDecisionsRequest(name="applications/a", shadow=True),
]


@pytest.mark.parametrize(
    ("request_", "fields", "event"),
    [
        (
            REQUESTS[0],
            {"instance": v1.Instance(http_address="x")},
            Updated(4, "instance", v1.Instance(http_address="x")),
        ),
        (REQUESTS[0], {"application": APPLICATION}, Updated(4, APPLICATION.name, APPLICATION)),
        (REQUESTS[0], {"deployment": DEPLOYMENT}, Updated(4, DEPLOYMENT.name, DEPLOYMENT)),
        (REQUESTS[0], {"replica": REPLICA}, Updated(4, REPLICA.name, REPLICA)),
        (REQUESTS[1], {"updated": APPLICATION}, Updated(4, APPLICATION.name, APPLICATION)),
        (REQUESTS[2], {"updated": DEPLOYMENT}, Updated(4, DEPLOYMENT.name, DEPLOYMENT)),
        (REQUESTS[3], {"updated": REPLICA}, Updated(4, REPLICA.name, REPLICA)),
        (REQUESTS[4], {"decision": DECISION, "name": DEPLOYMENT.name}, Updated(4, DEPLOYMENT.name, DECISION)),
    ],
)
def test_what_is_there_is_an_update_with_its_name(request_: Message, fields: Any, event: object) -> None:  # noqa: ANN401
    feed = feed_of(request_)
    assert feed.event_of(feed.response(revision=4, **fields)) == event


@pytest.mark.parametrize("request_", REQUESTS)
def test_all_tell_of_deletions_the_end_of_the_present_state_and_progress(request_: Message) -> None:
    feed = feed_of(request_)
    response: Any = feed.response
    assert feed.event_of(response(revision=4, deleted="applications/a")) == Deleted(4, "applications/a")
    assert feed.event_of(response(revision=4, synced=True)) == Synced(4)
    assert feed.event_of(response(revision=4)) is None


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_resumed_request_asks_the_same_from_later_on(request_: Any) -> None:  # noqa: ANN401
    again: Any = resumed(request_, 7)
    assert (again.start_revision, request_.start_revision) == (7, 0)
    again.start_revision = 0
    assert again == request_


def test_three_progress_intervals_of_silence_are_a_dead_connection() -> None:
    request = v1.WatchApplicationsRequest()
    assert silence_s(request) == 60
    request.progress_interval.FromMilliseconds(300)
    assert silence_s(request) == pytest.approx(0.9)
