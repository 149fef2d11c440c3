"""What is read of failed calls."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import grpc

from windlass_client import Violation, metadata_of, reason_of, violations_of


def field(number: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


def detail(kind: str, value: bytes) -> bytes:
    return field(3, field(1, f"type.googleapis.com/google.rpc.{kind}".encode()) + field(2, value))


def info(domain: str) -> bytes:
    metadata = field(3, field(1, b"owner") + field(2, b"keda"))
    return detail("ErrorInfo", field(1, b"LEASE_HELD") + field(2, domain.encode()) + metadata)


class Failed(grpc.RpcError):
    def __init__(self, trailing: Optional[Tuple[Tuple[str, object], ...]]) -> None:
        super().__init__()
        self._trailing = trailing

    def trailing_metadata(self) -> Any:  # noqa: ANN401
        return self._trailing


def failed(details: bytes) -> Failed:
    return Failed((("date", "today"), ("grpc-status-details-bin", field(2, b"message") + details)))


def test_the_reason_is_that_of_windlass() -> None:
    error = failed(detail("RetryInfo", b"") + info("other.example") + info("windlass"))
    assert reason_of(error) == "LEASE_HELD"
    assert metadata_of(error) == {"owner": "keda"}


def test_each_violation_has_its_field() -> None:
    problem = field(1, field(1, b"config.name") + field(2, b"must not be empty"))
    error = failed(info("windlass") + detail("BadRequest", problem + problem))
    assert violations_of(error) == [Violation("config.name", "must not be empty")] * 2


def test_errors_of_others_have_none() -> None:
    broken = Failed((("grpc-status-details-bin", b"\xff\xff"),))
    for error in (grpc.RpcError(), Failed(None), Failed(()), failed(info("other.example")), broken):
        assert (reason_of(error), metadata_of(error), violations_of(error)) == ("", {}, [])
