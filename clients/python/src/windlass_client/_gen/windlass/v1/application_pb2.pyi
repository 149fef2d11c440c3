import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from windlass_client._gen.windlass.config.v1 import application_pb2 as _application_pb2
from windlass_client._gen.windlass.v1 import revision_pb2 as _revision_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Application(_message.Message):
    __slots__ = ("name", "state", "message", "route_prefix", "config", "source", "external_scaler_enabled", "ingress_deployment", "deployments", "generation", "observed_generation", "reconciling", "last_deploy_time", "create_time", "update_time", "etag", "uid", "revision", "canary", "warnings", "managed_by")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Application.State]
        STATE_NOT_STARTED: _ClassVar[Application.State]
        STATE_DEPLOYING: _ClassVar[Application.State]
        STATE_DEPLOY_FAILED: _ClassVar[Application.State]
        STATE_RUNNING: _ClassVar[Application.State]
        STATE_UNHEALTHY: _ClassVar[Application.State]
        STATE_DELETING: _ClassVar[Application.State]
    STATE_UNSPECIFIED: Application.State
    STATE_NOT_STARTED: Application.State
    STATE_DEPLOYING: Application.State
    STATE_DEPLOY_FAILED: Application.State
    STATE_RUNNING: Application.State
    STATE_UNHEALTHY: Application.State
    STATE_DELETING: Application.State
    class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SOURCE_UNSPECIFIED: _ClassVar[Application.Source]
        SOURCE_DECLARATIVE: _ClassVar[Application.Source]
        SOURCE_IMPERATIVE: _ClassVar[Application.Source]
    SOURCE_UNSPECIFIED: Application.Source
    SOURCE_DECLARATIVE: Application.Source
    SOURCE_IMPERATIVE: Application.Source
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ROUTE_PREFIX_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_SCALER_ENABLED_FIELD_NUMBER: _ClassVar[int]
    INGRESS_DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENTS_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_GENERATION_FIELD_NUMBER: _ClassVar[int]
    RECONCILING_FIELD_NUMBER: _ClassVar[int]
    LAST_DEPLOY_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CANARY_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    MANAGED_BY_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: Application.State
    message: str
    route_prefix: str
    config: _application_pb2.ApplicationConfig
    source: Application.Source
    external_scaler_enabled: bool
    ingress_deployment: str
    deployments: _containers.RepeatedScalarFieldContainer[str]
    generation: int
    observed_generation: int
    reconciling: bool
    last_deploy_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    uid: str
    revision: int
    canary: _revision_pb2.Canary
    warnings: _containers.RepeatedScalarFieldContainer[str]
    managed_by: str
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[Application.State, str]] = ..., message: _Optional[str] = ..., route_prefix: _Optional[str] = ..., config: _Optional[_Union[_application_pb2.ApplicationConfig, _Mapping]] = ..., source: _Optional[_Union[Application.Source, str]] = ..., external_scaler_enabled: bool = ..., ingress_deployment: _Optional[str] = ..., deployments: _Optional[_Iterable[str]] = ..., generation: _Optional[int] = ..., observed_generation: _Optional[int] = ..., reconciling: bool = ..., last_deploy_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., uid: _Optional[str] = ..., revision: _Optional[int] = ..., canary: _Optional[_Union[_revision_pb2.Canary, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ..., managed_by: _Optional[str] = ...) -> None: ...
