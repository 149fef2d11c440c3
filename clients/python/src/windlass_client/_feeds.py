"""The watches of the API, and how their messages become events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Type

from google.protobuf.message import Message

from windlass_client._events import Deleted, Event, Synced, Updated
from windlass_client._gen import v1

PROGRESS_INTERVAL_S = 20.0
"""How long the server stays silent at most, unless the request says."""
SILENCES = 3
"""So many of those are a dead connection."""


@dataclass(frozen=True)
class Feed:
    """A watch of the API."""

    method: str
    response: Type[Message]
    event_of: Callable[[Any], Optional[Event[Any]]]
    """What a message says; None is progress."""


def feed_of(request: Message) -> Feed:
    """The watch that a request is for."""
    feed = _FEEDS.get(type(request))
    if feed is None:
        known = ", ".join(f"v1.{each.__name__}" for each in _FEEDS)
        raise TypeError(f"{type(request).__name__} is no request of a watch: give one of {known}")
    return feed


def silence_s(request: Any) -> float:  # noqa: ANN401
    """After how long without a message the connection is dead."""
    given = request.HasField("progress_interval")
    seconds = request.progress_interval.seconds + request.progress_interval.nanos / 1e9
    return SILENCES * (seconds if given else PROGRESS_INTERVAL_S)


def resumed(request: Message, revision: int) -> Message:
    """The same request from a revision on."""
    copy: Any = type(request)()
    copy.CopyFrom(request)
    copy.start_revision = revision
    result: Message = copy
    return result


def _event_of(message: Any) -> Optional[Event[Any]]:  # noqa: ANN401
    kind = message.WhichOneof("event")
    if kind is None:
        return None
    if kind == "synced":
        return Synced(message.revision)
    if kind == "deleted":
        return Deleted(message.revision, message.deleted)
    resource = getattr(message, kind)
    return Updated(message.revision, "instance" if kind == "instance" else resource.name, resource)


def _decision_event_of(message: v1.WatchScalingDecisionsResponse) -> Optional[Event[v1.ScalingDecision]]:
    if message.HasField("decision"):
        return Updated(message.revision, message.name, message.decision)
    if message.deleted:
        return Deleted(message.revision, message.deleted)
    return Synced(message.revision) if message.synced else None


_FEEDS: Dict[Type[Message], Feed] = {
    v1.WatchInstanceRequest: Feed("/windlass.v1.InstanceService/WatchInstance", v1.WatchInstanceResponse, _event_of),
    v1.WatchApplicationsRequest: Feed(
        "/windlass.v1.ApplicationService/WatchApplications", v1.WatchApplicationsResponse, _event_of
    ),
    v1.WatchDeploymentsRequest: Feed(
        "/windlass.v1.DeploymentService/WatchDeployments", v1.WatchDeploymentsResponse, _event_of
    ),
    v1.WatchReplicasRequest: Feed("/windlass.v1.DeploymentService/WatchReplicas", v1.WatchReplicasResponse, _event_of),
    v1.WatchScalingDecisionsRequest: Feed(
        "/windlass.v1.DeploymentService/WatchScalingDecisions", v1.WatchScalingDecisionsResponse, _decision_event_of
    ),
}
