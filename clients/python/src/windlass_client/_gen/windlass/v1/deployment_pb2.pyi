import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from windlass_client._gen.windlass.config.v1 import deployment_pb2 as _deployment_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Deployment(_message.Message):
    __slots__ = ("name", "target_num_replicas", "target_owner", "config", "state", "state_trigger", "message", "replica_counts", "reconciling", "generation", "observed_generation", "create_time", "update_time", "etag", "uid", "ingress", "target_reason", "target_time", "lease")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Deployment.State]
        STATE_UPDATING: _ClassVar[Deployment.State]
        STATE_HEALTHY: _ClassVar[Deployment.State]
        STATE_UNHEALTHY: _ClassVar[Deployment.State]
        STATE_DEPLOY_FAILED: _ClassVar[Deployment.State]
        STATE_UPSCALING: _ClassVar[Deployment.State]
        STATE_DOWNSCALING: _ClassVar[Deployment.State]
    STATE_UNSPECIFIED: Deployment.State
    STATE_UPDATING: Deployment.State
    STATE_HEALTHY: Deployment.State
    STATE_UNHEALTHY: Deployment.State
    STATE_DEPLOY_FAILED: Deployment.State
    STATE_UPSCALING: Deployment.State
    STATE_DOWNSCALING: Deployment.State
    class StateTrigger(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_TRIGGER_UNSPECIFIED: _ClassVar[Deployment.StateTrigger]
        STATE_TRIGGER_CONFIG_UPDATE_STARTED: _ClassVar[Deployment.StateTrigger]
        STATE_TRIGGER_CONFIG_UPDATE_COMPLETED: _ClassVar[Deployment.StateTrigger]
        STATE_TRIGGER_AUTOSCALING: _ClassVar[Deployment.StateTrigger]
        STATE_TRIGGER_REPLICA_STARTUP_FAILED: _ClassVar[Deployment.StateTrigger]
        STATE_TRIGGER_HEALTH_CHECK_FAILED: _ClassVar[Deployment.StateTrigger]
        STATE_TRIGGER_DELETING: _ClassVar[Deployment.StateTrigger]
        STATE_TRIGGER_UPSCALE_COMPLETED: _ClassVar[Deployment.StateTrigger]
        STATE_TRIGGER_DOWNSCALE_COMPLETED: _ClassVar[Deployment.StateTrigger]
        STATE_TRIGGER_DEPLOYMENT_ACTOR_FAILED: _ClassVar[Deployment.StateTrigger]
        STATE_TRIGGER_INTERNAL_ERROR: _ClassVar[Deployment.StateTrigger]
    STATE_TRIGGER_UNSPECIFIED: Deployment.StateTrigger
    STATE_TRIGGER_CONFIG_UPDATE_STARTED: Deployment.StateTrigger
    STATE_TRIGGER_CONFIG_UPDATE_COMPLETED: Deployment.StateTrigger
    STATE_TRIGGER_AUTOSCALING: Deployment.StateTrigger
    STATE_TRIGGER_REPLICA_STARTUP_FAILED: Deployment.StateTrigger
    STATE_TRIGGER_HEALTH_CHECK_FAILED: Deployment.StateTrigger
    STATE_TRIGGER_DELETING: Deployment.StateTrigger
    STATE_TRIGGER_UPSCALE_COMPLETED: Deployment.StateTrigger
    STATE_TRIGGER_DOWNSCALE_COMPLETED: Deployment.StateTrigger
    STATE_TRIGGER_DEPLOYMENT_ACTOR_FAILED: Deployment.StateTrigger
    STATE_TRIGGER_INTERNAL_ERROR: Deployment.StateTrigger
    class TargetOwner(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TARGET_OWNER_UNSPECIFIED: _ClassVar[Deployment.TargetOwner]
        TARGET_OWNER_CONFIG: _ClassVar[Deployment.TargetOwner]
        TARGET_OWNER_AUTOSCALER: _ClassVar[Deployment.TargetOwner]
        TARGET_OWNER_EXTERNAL: _ClassVar[Deployment.TargetOwner]
        TARGET_OWNER_MANUAL: _ClassVar[Deployment.TargetOwner]
    TARGET_OWNER_UNSPECIFIED: Deployment.TargetOwner
    TARGET_OWNER_CONFIG: Deployment.TargetOwner
    TARGET_OWNER_AUTOSCALER: Deployment.TargetOwner
    TARGET_OWNER_EXTERNAL: Deployment.TargetOwner
    TARGET_OWNER_MANUAL: Deployment.TargetOwner
    NAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_NUM_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    TARGET_OWNER_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_TRIGGER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REPLICA_COUNTS_FIELD_NUMBER: _ClassVar[int]
    RECONCILING_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_GENERATION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    INGRESS_FIELD_NUMBER: _ClassVar[int]
    TARGET_REASON_FIELD_NUMBER: _ClassVar[int]
    TARGET_TIME_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    name: str
    target_num_replicas: int
    target_owner: Deployment.TargetOwner
    config: _deployment_pb2.DeploymentConfig
    state: Deployment.State
    state_trigger: Deployment.StateTrigger
    message: str
    replica_counts: _containers.RepeatedCompositeFieldContainer[ReplicaCount]
    reconciling: bool
    generation: int
    observed_generation: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    uid: str
    ingress: bool
    target_reason: str
    target_time: _timestamp_pb2.Timestamp
    lease: Lease
    def __init__(self, name: _Optional[str] = ..., target_num_replicas: _Optional[int] = ..., target_owner: _Optional[_Union[Deployment.TargetOwner, str]] = ..., config: _Optional[_Union[_deployment_pb2.DeploymentConfig, _Mapping]] = ..., state: _Optional[_Union[Deployment.State, str]] = ..., state_trigger: _Optional[_Union[Deployment.StateTrigger, str]] = ..., message: _Optional[str] = ..., replica_counts: _Optional[_Iterable[_Union[ReplicaCount, _Mapping]]] = ..., reconciling: bool = ..., generation: _Optional[int] = ..., observed_generation: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., uid: _Optional[str] = ..., ingress: bool = ..., target_reason: _Optional[str] = ..., target_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lease: _Optional[_Union[Lease, _Mapping]] = ...) -> None: ...

class Lease(_message.Message):
    __slots__ = ("owner", "fence", "expire_time", "fallback")
    class Fallback(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FALLBACK_UNSPECIFIED: _ClassVar[Lease.Fallback]
        FALLBACK_HOLD: _ClassVar[Lease.Fallback]
        FALLBACK_FLOOR: _ClassVar[Lease.Fallback]
        FALLBACK_POLICY: _ClassVar[Lease.Fallback]
    FALLBACK_UNSPECIFIED: Lease.Fallback
    FALLBACK_HOLD: Lease.Fallback
    FALLBACK_FLOOR: Lease.Fallback
    FALLBACK_POLICY: Lease.Fallback
    OWNER_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    owner: str
    fence: int
    expire_time: _timestamp_pb2.Timestamp
    fallback: Lease.Fallback
    def __init__(self, owner: _Optional[str] = ..., fence: _Optional[int] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fallback: _Optional[_Union[Lease.Fallback, str]] = ...) -> None: ...

class ReplicaCount(_message.Message):
    __slots__ = ("state", "count")
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    state: Replica.State
    count: int
    def __init__(self, state: _Optional[_Union[Replica.State, str]] = ..., count: _Optional[int] = ...) -> None: ...

class Replica(_message.Message):
    __slots__ = ("name", "state", "pid", "create_time", "update_time")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Replica.State]
        STATE_STARTING: _ClassVar[Replica.State]
        STATE_UPDATING: _ClassVar[Replica.State]
        STATE_RECOVERING: _ClassVar[Replica.State]
        STATE_RUNNING: _ClassVar[Replica.State]
        STATE_STOPPING: _ClassVar[Replica.State]
        STATE_PENDING_MIGRATION: _ClassVar[Replica.State]
    STATE_UNSPECIFIED: Replica.State
    STATE_STARTING: Replica.State
    STATE_UPDATING: Replica.State
    STATE_RECOVERING: Replica.State
    STATE_RUNNING: Replica.State
    STATE_STOPPING: Replica.State
    STATE_PENDING_MIGRATION: Replica.State
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: Replica.State
    pid: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[Replica.State, str]] = ..., pid: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
