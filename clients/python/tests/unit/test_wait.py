"""When an application counts as running."""

from __future__ import annotations

import pytest

from windlass_client import ApplicationFailed, Deleted, Reset, Synced, Updated, application_name, deployment_name, v1
from windlass_client._wait import Waiting

NAME = "applications/shop"


def updated(state: v1.Application.State, generation: int = 1, observed: int = 1) -> Updated[v1.Application]:
    application = v1.Application(
        name=NAME, state=state, generation=generation, observed_generation=observed, message="why"
    )
    return Updated(1, NAME, application)


def test_it_runs_once_the_state_of_what_was_written_last_is_running() -> None:
    waiting = Waiting(NAME)
    for event in (Reset(1), updated(v1.Application.STATE_RUNNING)):
        assert waiting.take(event) is None
    assert waiting.take(Synced(1)) is not None
    assert waiting.take(updated(v1.Application.STATE_RUNNING, generation=2)) is None
    assert waiting.take(updated(v1.Application.STATE_DEPLOY_FAILED, generation=2)) is None
    assert waiting.take(updated(v1.Application.STATE_DEPLOYING, 2, 2)) is None
    assert waiting.timed_out(2.5, "") == f"{NAME} does not run after 2.5 s: STATE_DEPLOYING (why); it goes on"
    assert waiting.take(updated(v1.Application.STATE_RUNNING, 2, 2)) is not None


def test_a_failure_and_a_deletion_are_raised() -> None:
    waiting = Waiting(NAME)
    waiting.take(updated(v1.Application.STATE_DEPLOY_FAILED))
    with pytest.raises(ApplicationFailed, match=f"^{NAME} failed to deploy: why$"):
        waiting.take(Synced(1))
    with pytest.raises(ApplicationFailed, match="was deleted") as deleted:
        waiting.take(Deleted(2, NAME))
    assert deleted.value.application is None


def test_after_a_reset_only_the_new_state_counts() -> None:
    waiting = Waiting(NAME)
    waiting.take(updated(v1.Application.STATE_DEPLOYING))
    waiting.take(Synced(1))
    assert waiting.take(Reset(2)) is None
    assert waiting.take(updated(v1.Application.STATE_RUNNING)) is None
    assert waiting.take(Synced(2)) is not None


def test_names_are_escaped() -> None:
    assert application_name("a b/ü") == "applications/a%20b%2F%C3%BC"
    assert deployment_name("a", "(b)") == "applications/a/deployments/(b)"
