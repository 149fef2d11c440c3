"""What the programs of the lab share: test/clients/README.md says what is asked for."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from typing import Any, Callable, List

from google.protobuf.struct_pb2 import Value

from windlass_client import Deleted, Event, Reset, Synced, Updated, config_v1, v1

FEED = "applications/feed/deployments/Waiter"
STILL = "applications/plain/deployments/Still"


def ask(method: str, path: str) -> Any:  # noqa: ANN401
    """Asks the lab for trouble."""
    request = urllib.request.Request(os.environ["WINDLASS_LAB"] + path, method=method)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def update_request(application: str, max_ongoing_requests: int = 5, replicas: int = 1) -> v1.UpdateApplicationRequest:
    echo = config_v1.DeploymentConfig(
        name="Echo", num_replicas=Value(number_value=replicas), max_ongoing_requests=max_ongoing_requests
    )
    config = config_v1.ApplicationConfig(
        import_path="./app.ts:app",
        route_prefix=f"/{application}",
        external_scaler_enabled=True,
        deployments=[echo],
    )
    return v1.UpdateApplicationRequest(
        name=f"applications/{application}", config=config, allow_missing=True, base_dir=os.environ["WINDLASS_LAB_DIR"]
    )


def expect(what: bool, why: object) -> None:
    if not what:
        raise AssertionError(why)


def until(done: Callable[[], bool], why: str, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError(why)
        time.sleep(0.05)


class Story:
    """What a watch of `feed`'s deployments told: the reasons of its targets, and whether all came in order."""

    def __init__(self) -> None:
        self.reasons: List[str] = []
        self.kinds: List[str] = []
        self._revision = 0

    def take(self, event: Event[v1.Deployment]) -> None:
        self.kinds.append(type(event).__name__)
        if not isinstance(event, Reset):
            expect(event.revision >= self._revision, f"revision {event.revision} came after {self._revision}")
        self._revision = event.revision
        if isinstance(event, Updated):
            expect(event.name == FEED == event.resource.name, f"an event about {event.name}")
            if [event.resource.target_reason] != self.reasons[-1:]:
                self.reasons.append(event.resource.target_reason)
        expect(not isinstance(event, Deleted), "nothing was deleted")

    def has(self, number: int) -> bool:
        return self.reasons[-1:] == [f"write {number}"]

    @property
    def synced(self) -> bool:
        return bool(self.kinds) and Synced.__name__ in self.kinds

    def expect_writes(self, first: int, last: int) -> None:
        """Each write from the first to the last once, in order, after whatever was before them."""
        wanted = [f"write {number}" for number in range(first, last + 1)]
        got = self.reasons[-len(wanted) :]
        expect(got == wanted, f"got {got}, wanted {wanted}")
        expect(len(self.reasons) <= len(wanted) + 1, f"repeats: {self.reasons}")


def one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
