from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_REQUEST: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_CONFIG: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_EXTERNAL_SCALER_DISABLED: _ClassVar[ErrorReason]
    ERROR_REASON_DEPLOYMENT_DELETED: _ClassVar[ErrorReason]
    ERROR_REASON_STALE_ETAG: _ClassVar[ErrorReason]
    ERROR_REASON_UNAUTHENTICATED: _ClassVar[ErrorReason]
    ERROR_REASON_PERMISSION_DENIED: _ClassVar[ErrorReason]
    ERROR_REASON_ORIGIN_DENIED: _ClassVar[ErrorReason]
    ERROR_REASON_INSTANCE_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_HISTORY_COMPACTED: _ClassVar[ErrorReason]
    ERROR_REASON_STORE_UNAVAILABLE: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
    ERROR_REASON_TOO_MANY_STREAMS: _ClassVar[ErrorReason]
    ERROR_REASON_STALE_FENCE: _ClassVar[ErrorReason]
    ERROR_REASON_LEASE_HELD: _ClassVar[ErrorReason]
    ERROR_REASON_STALE_PLAN: _ClassVar[ErrorReason]
    ERROR_REASON_NOT_POSSIBLE_NOW: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_INVALID_REQUEST: ErrorReason
ERROR_REASON_INVALID_CONFIG: ErrorReason
ERROR_REASON_NOT_FOUND: ErrorReason
ERROR_REASON_EXTERNAL_SCALER_DISABLED: ErrorReason
ERROR_REASON_DEPLOYMENT_DELETED: ErrorReason
ERROR_REASON_STALE_ETAG: ErrorReason
ERROR_REASON_UNAUTHENTICATED: ErrorReason
ERROR_REASON_PERMISSION_DENIED: ErrorReason
ERROR_REASON_ORIGIN_DENIED: ErrorReason
ERROR_REASON_INSTANCE_UNAVAILABLE: ErrorReason
ERROR_REASON_HISTORY_COMPACTED: ErrorReason
ERROR_REASON_STORE_UNAVAILABLE: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason
ERROR_REASON_TOO_MANY_STREAMS: ErrorReason
ERROR_REASON_STALE_FENCE: ErrorReason
ERROR_REASON_LEASE_HELD: ErrorReason
ERROR_REASON_STALE_PLAN: ErrorReason
ERROR_REASON_NOT_POSSIBLE_NOW: ErrorReason
