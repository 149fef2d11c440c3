import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScalingDecision(_message.Message):
    __slots__ = ("time", "since", "turns", "policy", "running_replicas", "target_replicas", "total_requests", "running_from", "series", "oldest_age_s", "newest_age_s", "desired", "adjustments", "result", "without_delays", "kept_because", "shadow")
    TIME_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    TURNS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    RUNNING_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    TARGET_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FROM_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    OLDEST_AGE_S_FIELD_NUMBER: _ClassVar[int]
    NEWEST_AGE_S_FIELD_NUMBER: _ClassVar[int]
    DESIRED_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENTS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_DELAYS_FIELD_NUMBER: _ClassVar[int]
    KEPT_BECAUSE_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    since: _timestamp_pb2.Timestamp
    turns: int
    policy: str
    running_replicas: int
    target_replicas: int
    total_requests: float
    running_from: str
    series: int
    oldest_age_s: float
    newest_age_s: float
    desired: float
    adjustments: _containers.RepeatedCompositeFieldContainer[ScalingAdjustment]
    result: int
    without_delays: int
    kept_because: str
    shadow: bool
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., turns: _Optional[int] = ..., policy: _Optional[str] = ..., running_replicas: _Optional[int] = ..., target_replicas: _Optional[int] = ..., total_requests: _Optional[float] = ..., running_from: _Optional[str] = ..., series: _Optional[int] = ..., oldest_age_s: _Optional[float] = ..., newest_age_s: _Optional[float] = ..., desired: _Optional[float] = ..., adjustments: _Optional[_Iterable[_Union[ScalingAdjustment, _Mapping]]] = ..., result: _Optional[int] = ..., without_delays: _Optional[int] = ..., kept_because: _Optional[str] = ..., shadow: bool = ...) -> None: ...

class ScalingAdjustment(_message.Message):
    __slots__ = ("kind", "to", "factor", "direction", "delay_s", "left_s", "gang_size")
    KIND_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    DELAY_S_FIELD_NUMBER: _ClassVar[int]
    LEFT_S_FIELD_NUMBER: _ClassVar[int]
    GANG_SIZE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    to: float
    factor: float
    direction: str
    delay_s: float
    left_s: float
    gang_size: int
    def __init__(self, kind: _Optional[str] = ..., to: _Optional[float] = ..., factor: _Optional[float] = ..., direction: _Optional[str] = ..., delay_s: _Optional[float] = ..., left_s: _Optional[float] = ..., gang_size: _Optional[int] = ..., **kwargs) -> None: ...
