"""What a watch tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar, Union

Resource = TypeVar("Resource")


@dataclass(frozen=True)
class Reset:
    """Forget what you knew: the present state follows, up to `Synced`. Also the first event of a watch from 0."""

    revision: int


@dataclass(frozen=True)
class Updated(Generic[Resource]):
    """A resource was created, changed, or is part of the present state."""

    revision: int
    name: str
    """Its resource name; "instance" for the instance, the deployment's for a scaling decision."""
    resource: Resource


@dataclass(frozen=True)
class Deleted:
    """A resource is no more."""

    revision: int
    name: str
    """Its resource name."""


@dataclass(frozen=True)
class Synced:
    """The present state is complete; changes follow."""

    revision: int


Event = Union[Reset, Updated[Resource], Deleted, Synced]
"""What a watch tells: `Reset`, `Updated`, `Deleted` or `Synced`."""
