import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from windlass_client._gen.windlass.config.v1 import application_pb2 as _application_pb2
from windlass_client._gen.windlass.v1 import application_pb2 as _application_pb2_1
from windlass_client._gen.windlass.v1 import deployment_pb2 as _deployment_pb2
from windlass_client._gen.windlass.v1 import instance_pb2 as _instance_pb2
from windlass_client._gen.windlass.v1 import plan_pb2 as _plan_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetInstanceRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetInstanceResponse(_message.Message):
    __slots__ = ("instance", "applications", "deployments", "replicas", "revision")
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    APPLICATIONS_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENTS_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    instance: _instance_pb2.Instance
    applications: _containers.RepeatedCompositeFieldContainer[_application_pb2_1.Application]
    deployments: _containers.RepeatedCompositeFieldContainer[_deployment_pb2.Deployment]
    replicas: _containers.RepeatedCompositeFieldContainer[_deployment_pb2.Replica]
    revision: int
    def __init__(self, instance: _Optional[_Union[_instance_pb2.Instance, _Mapping]] = ..., applications: _Optional[_Iterable[_Union[_application_pb2_1.Application, _Mapping]]] = ..., deployments: _Optional[_Iterable[_Union[_deployment_pb2.Deployment, _Mapping]]] = ..., replicas: _Optional[_Iterable[_Union[_deployment_pb2.Replica, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class ApplyConfigRequest(_message.Message):
    __slots__ = ("config", "base_dir", "validate_only", "plan_token")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    BASE_DIR_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    PLAN_TOKEN_FIELD_NUMBER: _ClassVar[int]
    config: _application_pb2.DeployConfig
    base_dir: str
    validate_only: bool
    plan_token: str
    def __init__(self, config: _Optional[_Union[_application_pb2.DeployConfig, _Mapping]] = ..., base_dir: _Optional[str] = ..., validate_only: bool = ..., plan_token: _Optional[str] = ...) -> None: ...

class ApplyConfigResponse(_message.Message):
    __slots__ = ("revision", "warnings")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, revision: _Optional[int] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class PlanConfigRequest(_message.Message):
    __slots__ = ("config", "base_dir", "only_listed", "without_token")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    BASE_DIR_FIELD_NUMBER: _ClassVar[int]
    ONLY_LISTED_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    config: _application_pb2.DeployConfig
    base_dir: str
    only_listed: bool
    without_token: bool
    def __init__(self, config: _Optional[_Union[_application_pb2.DeployConfig, _Mapping]] = ..., base_dir: _Optional[str] = ..., only_listed: bool = ..., without_token: bool = ...) -> None: ...

class PlanConfigResponse(_message.Message):
    __slots__ = ("plan",)
    PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: _plan_pb2.Plan
    def __init__(self, plan: _Optional[_Union[_plan_pb2.Plan, _Mapping]] = ...) -> None: ...

class ShutdownInstanceRequest(_message.Message):
    __slots__ = ("end_process",)
    END_PROCESS_FIELD_NUMBER: _ClassVar[int]
    end_process: bool
    def __init__(self, end_process: bool = ...) -> None: ...

class ShutdownInstanceResponse(_message.Message):
    __slots__ = ("revision",)
    REVISION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    def __init__(self, revision: _Optional[int] = ...) -> None: ...

class WatchInstanceRequest(_message.Message):
    __slots__ = ("start_revision", "name", "progress_interval")
    START_REVISION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    start_revision: int
    name: str
    progress_interval: _duration_pb2.Duration
    def __init__(self, start_revision: _Optional[int] = ..., name: _Optional[str] = ..., progress_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchInstanceResponse(_message.Message):
    __slots__ = ("revision", "instance", "application", "deployment", "replica", "deleted", "synced")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    REPLICA_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    SYNCED_FIELD_NUMBER: _ClassVar[int]
    revision: int
    instance: _instance_pb2.Instance
    application: _application_pb2_1.Application
    deployment: _deployment_pb2.Deployment
    replica: _deployment_pb2.Replica
    deleted: str
    synced: bool
    def __init__(self, revision: _Optional[int] = ..., instance: _Optional[_Union[_instance_pb2.Instance, _Mapping]] = ..., application: _Optional[_Union[_application_pb2_1.Application, _Mapping]] = ..., deployment: _Optional[_Union[_deployment_pb2.Deployment, _Mapping]] = ..., replica: _Optional[_Union[_deployment_pb2.Replica, _Mapping]] = ..., deleted: _Optional[str] = ..., synced: bool = ...) -> None: ...
