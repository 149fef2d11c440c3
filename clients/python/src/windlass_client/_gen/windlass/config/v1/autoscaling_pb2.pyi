from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AggregationFunction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGGREGATION_FUNCTION_UNSPECIFIED: _ClassVar[AggregationFunction]
    AGGREGATION_FUNCTION_MEAN: _ClassVar[AggregationFunction]
    AGGREGATION_FUNCTION_MAX: _ClassVar[AggregationFunction]
    AGGREGATION_FUNCTION_MIN: _ClassVar[AggregationFunction]
AGGREGATION_FUNCTION_UNSPECIFIED: AggregationFunction
AGGREGATION_FUNCTION_MEAN: AggregationFunction
AGGREGATION_FUNCTION_MAX: AggregationFunction
AGGREGATION_FUNCTION_MIN: AggregationFunction

class AutoscalingConfig(_message.Message):
    __slots__ = ("min_replicas", "max_replicas", "initial_replicas", "target_ongoing_requests", "look_back_period_s", "upscale_delay_s", "downscale_delay_s", "downscale_to_zero_delay_s", "upscaling_factor", "downscaling_factor", "aggregation_function", "policy", "metrics_interval_s", "smoothing_factor", "upscale_smoothing_factor", "downscale_smoothing_factor", "explicit_nulls")
    MIN_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    MAX_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    INITIAL_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    TARGET_ONGOING_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    LOOK_BACK_PERIOD_S_FIELD_NUMBER: _ClassVar[int]
    UPSCALE_DELAY_S_FIELD_NUMBER: _ClassVar[int]
    DOWNSCALE_DELAY_S_FIELD_NUMBER: _ClassVar[int]
    DOWNSCALE_TO_ZERO_DELAY_S_FIELD_NUMBER: _ClassVar[int]
    UPSCALING_FACTOR_FIELD_NUMBER: _ClassVar[int]
    DOWNSCALING_FACTOR_FIELD_NUMBER: _ClassVar[int]
    AGGREGATION_FUNCTION_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    METRICS_INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    SMOOTHING_FACTOR_FIELD_NUMBER: _ClassVar[int]
    UPSCALE_SMOOTHING_FACTOR_FIELD_NUMBER: _ClassVar[int]
    DOWNSCALE_SMOOTHING_FACTOR_FIELD_NUMBER: _ClassVar[int]
    EXPLICIT_NULLS_FIELD_NUMBER: _ClassVar[int]
    min_replicas: int
    max_replicas: int
    initial_replicas: int
    target_ongoing_requests: float
    look_back_period_s: float
    upscale_delay_s: float
    downscale_delay_s: float
    downscale_to_zero_delay_s: float
    upscaling_factor: float
    downscaling_factor: float
    aggregation_function: AggregationFunction
    policy: AutoscalingPolicy
    metrics_interval_s: float
    smoothing_factor: float
    upscale_smoothing_factor: float
    downscale_smoothing_factor: float
    explicit_nulls: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, min_replicas: _Optional[int] = ..., max_replicas: _Optional[int] = ..., initial_replicas: _Optional[int] = ..., target_ongoing_requests: _Optional[float] = ..., look_back_period_s: _Optional[float] = ..., upscale_delay_s: _Optional[float] = ..., downscale_delay_s: _Optional[float] = ..., downscale_to_zero_delay_s: _Optional[float] = ..., upscaling_factor: _Optional[float] = ..., downscaling_factor: _Optional[float] = ..., aggregation_function: _Optional[_Union[AggregationFunction, str]] = ..., policy: _Optional[_Union[AutoscalingPolicy, _Mapping]] = ..., metrics_interval_s: _Optional[float] = ..., smoothing_factor: _Optional[float] = ..., upscale_smoothing_factor: _Optional[float] = ..., downscale_smoothing_factor: _Optional[float] = ..., explicit_nulls: _Optional[_Iterable[str]] = ...) -> None: ...

class AutoscalingPolicy(_message.Message):
    __slots__ = ("policy_function", "policy_kwargs")
    POLICY_FUNCTION_FIELD_NUMBER: _ClassVar[int]
    POLICY_KWARGS_FIELD_NUMBER: _ClassVar[int]
    policy_function: str
    policy_kwargs: _struct_pb2.Struct
    def __init__(self, policy_function: _Optional[str] = ..., policy_kwargs: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
