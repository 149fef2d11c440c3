from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RolloutConfig(_message.Message):
    __slots__ = ("max_surge", "max_unavailable", "auto_rollback", "progress_deadline_s", "canary", "canary_analysis", "canary_sticky", "explicit_nulls")
    MAX_SURGE_FIELD_NUMBER: _ClassVar[int]
    MAX_UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    AUTO_ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_DEADLINE_S_FIELD_NUMBER: _ClassVar[int]
    CANARY_FIELD_NUMBER: _ClassVar[int]
    CANARY_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    CANARY_STICKY_FIELD_NUMBER: _ClassVar[int]
    EXPLICIT_NULLS_FIELD_NUMBER: _ClassVar[int]
    max_surge: _struct_pb2.Value
    max_unavailable: _struct_pb2.Value
    auto_rollback: bool
    progress_deadline_s: float
    canary: _containers.RepeatedCompositeFieldContainer[CanaryStep]
    canary_analysis: CanaryAnalysis
    canary_sticky: CanarySticky
    explicit_nulls: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, max_surge: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., max_unavailable: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., auto_rollback: bool = ..., progress_deadline_s: _Optional[float] = ..., canary: _Optional[_Iterable[_Union[CanaryStep, _Mapping]]] = ..., canary_analysis: _Optional[_Union[CanaryAnalysis, _Mapping]] = ..., canary_sticky: _Optional[_Union[CanarySticky, _Mapping]] = ..., explicit_nulls: _Optional[_Iterable[str]] = ...) -> None: ...

class CanaryStep(_message.Message):
    __slots__ = ("weight", "pause_s", "explicit_nulls")
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    PAUSE_S_FIELD_NUMBER: _ClassVar[int]
    EXPLICIT_NULLS_FIELD_NUMBER: _ClassVar[int]
    weight: int
    pause_s: float
    explicit_nulls: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, weight: _Optional[int] = ..., pause_s: _Optional[float] = ..., explicit_nulls: _Optional[_Iterable[str]] = ...) -> None: ...

class CanaryAnalysis(_message.Message):
    __slots__ = ("min_requests", "max_error_rate_increase", "max_latency_ratio", "latency_quantile", "explicit_nulls")
    MIN_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    MAX_ERROR_RATE_INCREASE_FIELD_NUMBER: _ClassVar[int]
    MAX_LATENCY_RATIO_FIELD_NUMBER: _ClassVar[int]
    LATENCY_QUANTILE_FIELD_NUMBER: _ClassVar[int]
    EXPLICIT_NULLS_FIELD_NUMBER: _ClassVar[int]
    min_requests: int
    max_error_rate_increase: float
    max_latency_ratio: float
    latency_quantile: float
    explicit_nulls: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, min_requests: _Optional[int] = ..., max_error_rate_increase: _Optional[float] = ..., max_latency_ratio: _Optional[float] = ..., latency_quantile: _Optional[float] = ..., explicit_nulls: _Optional[_Iterable[str]] = ...) -> None: ...

class CanarySticky(_message.Message):
    __slots__ = ("header",)
    HEADER_FIELD_NUMBER: _ClassVar[int]
    header: str
    def __init__(self, header: _Optional[str] = ...) -> None: ...
