"""What Windlass says of a failed call, read from gRPC's own errors.

The few messages of google.rpc that this takes are described here, in a pool of their own: registering the whole files
would collide with googleapis-common-protos where a program has it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

DOMAIN = "windlass"
_KEY = "grpc-status-details-bin"
_Field = descriptor_pb2.FieldDescriptorProto


@dataclass(frozen=True)
class Violation:
    """One problem of a request."""

    field: str
    """The path of the field, "applications[0].deployments[1].max_ongoing_requests"; empty where it is the whole."""
    description: str
    """One line: what was wrong, the value, the limit."""


def reason_of(error: grpc.RpcError) -> str:
    """Why a call failed, as docs/errors.md lists: "STALE_ETAG". Empty where the error is not from Windlass."""
    return _error_info(error)[0]


def metadata_of(error: grpc.RpcError) -> Dict[str, str]:
    """The ids that came with the reason, such as `owner` with LEASE_HELD."""
    return _error_info(error)[1]


def violations_of(error: grpc.RpcError) -> List[Violation]:
    """The problems of the request, one a field; empty where the error tells none."""
    return [
        Violation(each.field, each.description)
        for detail in _details(error, "google.rpc.BadRequest")
        for each in detail.field_violations
    ]


def _error_info(error: grpc.RpcError) -> Tuple[str, Dict[str, str]]:
    for info in _details(error, "google.rpc.ErrorInfo"):
        if info.domain == DOMAIN:
            return info.reason, {entry.key: entry.value for entry in info.metadata}
    return "", {}


def _details(error: grpc.RpcError, kind: str) -> List[Any]:
    # RpcError itself promises nothing; what calls raise has these.
    trailing: Any = getattr(error, "trailing_metadata", tuple)() or ()
    found: List[Any] = []
    for key, value in trailing:
        if key != _KEY or not isinstance(value, bytes):
            continue
        try:
            for detail in _TYPES["google.rpc.Status"].FromString(value).details:
                if detail.type_url.rpartition("/")[2] == kind:
                    found.append(_TYPES[kind].FromString(detail.value))
        except DecodeError:
            continue
    return found


def _describe(messages: Mapping[str, Mapping[str, Tuple[int, str]]]) -> Dict[str, Any]:
    """Classes for messages of strings, bytes ("bytes") and lists of each other ("Name")."""
    file = descriptor_pb2.FileDescriptorProto(name="status.proto", package="google.rpc", syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            if kind in messages:
                message.field.add(
                    name=field,
                    number=number,
                    type=_Field.TYPE_MESSAGE,
                    type_name=f".google.rpc.{kind}",
                    label=_Field.LABEL_REPEATED,
                )
            else:
                scalar = _Field.TYPE_BYTES if kind == "bytes" else _Field.TYPE_STRING
                message.field.add(name=field, number=number, type=scalar, label=_Field.LABEL_OPTIONAL)
    pool: Any = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = [f"google.rpc.{name}" for name in messages]
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names}


_TYPES = _describe(
    {
        "Any": {"type_url": (1, "string"), "value": (2, "bytes")},
        "Status": {"details": (3, "Any")},
        # A map is on the wire a list of entries.
        "Entry": {"key": (1, "string"), "value": (2, "string")},
        "ErrorInfo": {"reason": (1, "string"), "domain": (2, "string"), "metadata": (3, "Entry")},
        "FieldViolation": {"field": (1, "string"), "description": (2, "string")},
        "BadRequest": {"field_violations": (1, "FieldViolation")},
    }
)
