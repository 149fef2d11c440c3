import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from windlass_client._gen.windlass.config.v1 import application_pb2 as _application_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Revision(_message.Message):
    __slots__ = ("name", "number", "config", "code_hash", "state", "message", "cause", "rollback_of", "actor", "reason", "create_time")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Revision.State]
        STATE_PENDING: _ClassVar[Revision.State]
        STATE_RUNNING: _ClassVar[Revision.State]
        STATE_SUPERSEDED: _ClassVar[Revision.State]
        STATE_FAILED: _ClassVar[Revision.State]
    STATE_UNSPECIFIED: Revision.State
    STATE_PENDING: Revision.State
    STATE_RUNNING: Revision.State
    STATE_SUPERSEDED: Revision.State
    STATE_FAILED: Revision.State
    class Cause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CAUSE_UNSPECIFIED: _ClassVar[Revision.Cause]
        CAUSE_CONFIG: _ClassVar[Revision.Cause]
        CAUSE_SOURCES: _ClassVar[Revision.Cause]
        CAUSE_ROLLBACK: _ClassVar[Revision.Cause]
        CAUSE_AUTO_ROLLBACK: _ClassVar[Revision.Cause]
    CAUSE_UNSPECIFIED: Revision.Cause
    CAUSE_CONFIG: Revision.Cause
    CAUSE_SOURCES: Revision.Cause
    CAUSE_ROLLBACK: Revision.Cause
    CAUSE_AUTO_ROLLBACK: Revision.Cause
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CODE_HASH_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_OF_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    number: int
    config: _application_pb2.ApplicationConfig
    code_hash: str
    state: Revision.State
    message: str
    cause: Revision.Cause
    rollback_of: int
    actor: str
    reason: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., number: _Optional[int] = ..., config: _Optional[_Union[_application_pb2.ApplicationConfig, _Mapping]] = ..., code_hash: _Optional[str] = ..., state: _Optional[_Union[Revision.State, str]] = ..., message: _Optional[str] = ..., cause: _Optional[_Union[Revision.Cause, str]] = ..., rollback_of: _Optional[int] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Canary(_message.Message):
    __slots__ = ("revision", "stable_revision", "step", "steps", "weight", "phase", "message", "step_time", "sample", "stable_sample")
    class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PHASE_UNSPECIFIED: _ClassVar[Canary.Phase]
        PHASE_STARTING: _ClassVar[Canary.Phase]
        PHASE_RUNNING: _ClassVar[Canary.Phase]
        PHASE_AWAITING_PROMOTION: _ClassVar[Canary.Phase]
        PHASE_PAUSED: _ClassVar[Canary.Phase]
    PHASE_UNSPECIFIED: Canary.Phase
    PHASE_STARTING: Canary.Phase
    PHASE_RUNNING: Canary.Phase
    PHASE_AWAITING_PROMOTION: Canary.Phase
    PHASE_PAUSED: Canary.Phase
    REVISION_FIELD_NUMBER: _ClassVar[int]
    STABLE_REVISION_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STEP_TIME_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    STABLE_SAMPLE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    stable_revision: int
    step: int
    steps: int
    weight: int
    phase: Canary.Phase
    message: str
    step_time: _timestamp_pb2.Timestamp
    sample: TrafficSample
    stable_sample: TrafficSample
    def __init__(self, revision: _Optional[int] = ..., stable_revision: _Optional[int] = ..., step: _Optional[int] = ..., steps: _Optional[int] = ..., weight: _Optional[int] = ..., phase: _Optional[_Union[Canary.Phase, str]] = ..., message: _Optional[str] = ..., step_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sample: _Optional[_Union[TrafficSample, _Mapping]] = ..., stable_sample: _Optional[_Union[TrafficSample, _Mapping]] = ...) -> None: ...

class TrafficSample(_message.Message):
    __slots__ = ("requests", "errors", "latency_s")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_S_FIELD_NUMBER: _ClassVar[int]
    requests: int
    errors: int
    latency_s: float
    def __init__(self, requests: _Optional[int] = ..., errors: _Optional[int] = ..., latency_s: _Optional[float] = ...) -> None: ...
