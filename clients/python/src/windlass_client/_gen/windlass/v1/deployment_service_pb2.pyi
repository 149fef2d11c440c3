import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from windlass_client._gen.windlass.v1 import deployment_pb2 as _deployment_pb2
from windlass_client._gen.windlass.v1 import scaling_pb2 as _scaling_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetDeploymentRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetDeploymentResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: _deployment_pb2.Deployment
    def __init__(self, deployment: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ...) -> None: ...

class ListDeploymentsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDeploymentsResponse(_message.Message):
    __slots__ = ("deployments", "next_page_token")
    DEPLOYMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    deployments: _containers.RepeatedCompositeFieldContainer[_deployment_pb2.Deployment]
    next_page_token: str
    def __init__(self, deployments: _Optional[_Iterable[_Union[_deployment_pb2.Deployment, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchDeploymentsRequest(_message.Message):
    __slots__ = ("parent", "start_revision", "progress_interval")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    START_REVISION_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    parent: str
    start_revision: int
    progress_interval: _duration_pb2.Duration
    def __init__(self, parent: _Optional[str] = ..., start_revision: _Optional[int] = ..., progress_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchDeploymentsResponse(_message.Message):
    __slots__ = ("revision", "updated", "deleted", "synced")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    SYNCED_FIELD_NUMBER: _ClassVar[int]
    revision: int
    updated: _deployment_pb2.Deployment
    deleted: str
    synced: bool
    def __init__(self, revision: _Optional[int] = ..., updated: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ..., deleted: _Optional[str] = ..., synced: bool = ...) -> None: ...

class WatchReplicasRequest(_message.Message):
    __slots__ = ("parent", "start_revision", "progress_interval")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    START_REVISION_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    parent: str
    start_revision: int
    progress_interval: _duration_pb2.Duration
    def __init__(self, parent: _Optional[str] = ..., start_revision: _Optional[int] = ..., progress_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchReplicasResponse(_message.Message):
    __slots__ = ("revision", "updated", "deleted", "synced")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    SYNCED_FIELD_NUMBER: _ClassVar[int]
    revision: int
    updated: _deployment_pb2.Replica
    deleted: str
    synced: bool
    def __init__(self, revision: _Optional[int] = ..., updated: _Optional[_Union[_deployment_pb2.Replica, _Mapping]] = ..., deleted: _Optional[str] = ..., synced: bool = ...) -> None: ...

class ScaleDeploymentRequest(_message.Message):
    __slots__ = ("name", "target_num_replicas", "etag", "request_id", "reason", "owner", "ttl", "lease_fallback", "fence", "dry_run", "force", "manual")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TARGET_NUM_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    LEASE_FALLBACK_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    MANUAL_FIELD_NUMBER: _ClassVar[int]
    name: str
    target_num_replicas: int
    etag: str
    request_id: str
    reason: str
    owner: str
    ttl: _duration_pb2.Duration
    lease_fallback: _deployment_pb2.Lease.Fallback
    fence: int
    dry_run: bool
    force: bool
    manual: bool
    def __init__(self, name: _Optional[str] = ..., target_num_replicas: _Optional[int] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ..., owner: _Optional[str] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lease_fallback: _Optional[_Union[_deployment_pb2.Lease.Fallback, str]] = ..., fence: _Optional[int] = ..., dry_run: bool = ..., force: bool = ..., manual: bool = ...) -> None: ...

class ScaleDeploymentResponse(_message.Message):
    __slots__ = ("deployment", "previous_target_num_replicas", "effective_target_num_replicas")
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_TARGET_NUM_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_TARGET_NUM_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    deployment: _deployment_pb2.Deployment
    previous_target_num_replicas: int
    effective_target_num_replicas: int
    def __init__(self, deployment: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ..., previous_target_num_replicas: _Optional[int] = ..., effective_target_num_replicas: _Optional[int] = ...) -> None: ...

class ListScalingDecisionsRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token", "at_time", "shadow")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    AT_TIME_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    at_time: _timestamp_pb2.Timestamp
    shadow: bool
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., at_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., shadow: bool = ...) -> None: ...

class ListScalingDecisionsResponse(_message.Message):
    __slots__ = ("decisions", "next_page_token")
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    decisions: _containers.RepeatedCompositeFieldContainer[_scaling_pb2.ScalingDecision]
    next_page_token: str
    def __init__(self, decisions: _Optional[_Iterable[_Union[_scaling_pb2.ScalingDecision, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchScalingDecisionsRequest(_message.Message):
    __slots__ = ("name", "shadow", "start_revision", "progress_interval")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    START_REVISION_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    name: str
    shadow: bool
    start_revision: int
    progress_interval: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., shadow: bool = ..., start_revision: _Optional[int] = ..., progress_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchScalingDecisionsResponse(_message.Message):
    __slots__ = ("decision", "revision", "name", "deleted", "synced")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    SYNCED_FIELD_NUMBER: _ClassVar[int]
    decision: _scaling_pb2.ScalingDecision
    revision: int
    name: str
    deleted: str
    synced: bool
    def __init__(self, decision: _Optional[_Union[_scaling_pb2.ScalingDecision, _Mapping]] = ..., revision: _Optional[int] = ..., name: _Optional[str] = ..., deleted: _Optional[str] = ..., synced: bool = ...) -> None: ...

class GetRecordedLoadRequest(_message.Message):
    __slots__ = ("name", "start_time", "end_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetRecordedLoadResponse(_message.Message):
    __slots__ = ("start_time_s", "end_time_s", "request_times_s", "requests", "replica_times_s", "target_replicas", "running_replicas")
    START_TIME_S_FIELD_NUMBER: _ClassVar[int]
    END_TIME_S_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TIMES_S_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REPLICA_TIMES_S_FIELD_NUMBER: _ClassVar[int]
    TARGET_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    start_time_s: float
    end_time_s: float
    request_times_s: _containers.RepeatedScalarFieldContainer[float]
    requests: _containers.RepeatedScalarFieldContainer[float]
    replica_times_s: _containers.RepeatedScalarFieldContainer[float]
    target_replicas: _containers.RepeatedScalarFieldContainer[int]
    running_replicas: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, start_time_s: _Optional[float] = ..., end_time_s: _Optional[float] = ..., request_times_s: _Optional[_Iterable[float]] = ..., requests: _Optional[_Iterable[float]] = ..., replica_times_s: _Optional[_Iterable[float]] = ..., target_replicas: _Optional[_Iterable[int]] = ..., running_replicas: _Optional[_Iterable[int]] = ...) -> None: ...
