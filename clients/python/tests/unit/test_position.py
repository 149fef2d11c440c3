"""Where a reader of a feed stands."""

from __future__ import annotations

from typing import Any, List, Tuple

import pytest

from windlass_client import Deleted, Event, Reset, Synced, Updated
from windlass_client._position import Position

Message = Tuple[int, str]


def event_of(revision: int, text: str) -> Event[Any] | None:
    if text == "progress":
        return None
    if text == "synced":
        return Synced(revision)
    return Deleted(revision, text[1:]) if text.startswith("-") else Updated(revision, text, object())


def told(event: Event[Any]) -> str:
    if isinstance(event, Updated):
        return f"{event.revision} {event.name}"
    if isinstance(event, Deleted):
        return f"{event.revision} -{event.name}"
    return f"{event.revision} {type(event).__name__.lower()}"


def run(since: int, *attempts: List[Message]) -> tuple[list[str], list[int]]:
    """What the attempts hand on in all, and where each and the next one resume."""
    position = Position(since)
    news: List[str] = []
    starts: List[int] = []
    for attempt in attempts:
        starts.append(position.resume_revision)
        position.begin()
        for revision, text in attempt:
            news += [told(event) for event in position.advance(revision, event_of(revision, text))]
    return news, [*starts, position.resume_revision]


SNAPSHOT = [(5, "a"), (5, "b"), (5, "synced")]


@pytest.mark.parametrize(
    ("since", "attempts", "news", "starts"),
    [
        pytest.param(
            0, [SNAPSHOT], ["5 reset", "5 a", "5 b", "5 synced"], [0, 5], id="a snapshot is complete at synced"
        ),
        pytest.param(0, [[(5, "synced")]], ["5 reset", "5 synced"], [0, 5], id="an empty one too"),
        pytest.param(0, [[(5, "a")], []], ["5 reset", "5 a"], [0, 0, 0], id="before synced nothing is complete"),
        pytest.param(
            0,
            [[(5, "a")], [], [(6, "b"), (6, "synced")]],
            ["5 reset", "5 a", "6 reset", "6 b", "6 synced"],
            [0, 0, 0, 6],
            id="a snapshot that was cut begins anew, and says so once it comes",
        ),
        pytest.param(0, [[*SNAPSHOT, (6, "a")]], ["5 reset", "5 a", "5 b", "5 synced", "6 a"], [0, 5], id="a part"),
        pytest.param(3, [[(4, "a"), (5, "a")]], ["4 a", "5 a"], [3, 4], id="a later revision completes the one before"),
        pytest.param(3, [[(4, "a"), (4, "progress")]], ["4 a"], [3, 4], id="progress completes its revision"),
        pytest.param(3, [[(9, "progress")]], [], [3, 9], id="progress of a later revision brings the reader there"),
        pytest.param(
            3,
            [[(4, "a")], [(3, "progress"), (4, "a"), (4, "b"), (5, "-a")]],
            ["4 a", "4 b", "5 -a"],
            [3, 3, 4],
            id="the rest of a revision that was cut comes, and what was seen of it does not",
        ),
        pytest.param(
            3,
            [[(4, "a")], [(3, "progress"), (4, "a")], [(3, "progress"), (4, "a"), (4, "b")]],
            ["4 a", "4 b"],
            [3, 3, 3, 3],
            id="cut twice within one revision",
        ),
        pytest.param(
            3,
            [[(4, "a"), (4, "a")], [(3, "progress"), (4, "a"), (4, "a"), (4, "a"), (5, "progress")]],
            ["4 a", "4 a", "4 a"],
            [3, 3, 5],
            id="one revision may tell of a name more than once",
        ),
        pytest.param(7, [[(6, "a"), (7, "a"), (8, "a")]], ["8 a"], [7, 7], id="what was complete comes no second time"),
    ],
)
def test_position(since: int, attempts: List[List[Message]], news: List[str], starts: List[int]) -> None:
    assert run(since, *attempts) == (news, starts)


def test_where_history_is_gone_the_present_state_comes_with_a_reset() -> None:
    position = Position(3)
    position.begin()
    position.advance(4, Updated(4, "a", object()))
    position.forget()
    assert position.resume_revision == 0
    position.begin()
    assert position.advance(9, Synced(9)) == [Reset(9), Synced(9)]
    assert position.resume_revision == 9
