"""When a watch tries again, and how long it waits before. Pure."""

from __future__ import annotations

import logging

import grpc

FIRST_S = 0.1
MOST_S = 5.0
CONNECT_S = 5.0
"""The first message of an attempt may take this long in any case: a connection is made before it."""

FINAL = frozenset(
    {
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.FAILED_PRECONDITION,
    }
)
"""Trying again cannot mend these."""

log = logging.getLogger("windlass_client")


def backoff_s(failures: int, random: float) -> float:
    """Seconds before the next attempt after so many failures in a row; `random` is from 0 to 1."""
    full: float = min(MOST_S, FIRST_S * 2 ** min(failures - 1, 10))
    return full / 2 + full / 2 * random


def compacted(error: grpc.RpcError, resume_revision: int) -> bool:
    """Whether the history to continue from is gone."""
    return bool(error.code() is grpc.StatusCode.OUT_OF_RANGE) and resume_revision != 0
