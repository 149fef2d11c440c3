import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Plan(_message.Message):
    __slots__ = ("token", "expire_time", "applications", "warnings", "revision")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    APPLICATIONS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    token: str
    expire_time: _timestamp_pb2.Timestamp
    applications: _containers.RepeatedCompositeFieldContainer[ApplicationPlan]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    revision: int
    def __init__(self, token: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., applications: _Optional[_Iterable[_Union[ApplicationPlan, _Mapping]]] = ..., warnings: _Optional[_Iterable[str]] = ..., revision: _Optional[int] = ...) -> None: ...

class ApplicationPlan(_message.Message):
    __slots__ = ("name", "action", "deployments", "error", "code_changed", "canary")
    class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTION_UNSPECIFIED: _ClassVar[ApplicationPlan.Action]
        ACTION_NONE: _ClassVar[ApplicationPlan.Action]
        ACTION_CREATE: _ClassVar[ApplicationPlan.Action]
        ACTION_UPDATE: _ClassVar[ApplicationPlan.Action]
        ACTION_DELETE: _ClassVar[ApplicationPlan.Action]
    ACTION_UNSPECIFIED: ApplicationPlan.Action
    ACTION_NONE: ApplicationPlan.Action
    ACTION_CREATE: ApplicationPlan.Action
    ACTION_UPDATE: ApplicationPlan.Action
    ACTION_DELETE: ApplicationPlan.Action
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENTS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CODE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    CANARY_FIELD_NUMBER: _ClassVar[int]
    name: str
    action: ApplicationPlan.Action
    deployments: _containers.RepeatedCompositeFieldContainer[DeploymentPlan]
    error: str
    code_changed: bool
    canary: bool
    def __init__(self, name: _Optional[str] = ..., action: _Optional[_Union[ApplicationPlan.Action, str]] = ..., deployments: _Optional[_Iterable[_Union[DeploymentPlan, _Mapping]]] = ..., error: _Optional[str] = ..., code_changed: bool = ..., canary: bool = ...) -> None: ...

class DeploymentPlan(_message.Message):
    __slots__ = ("name", "action", "changes", "target_num_replicas", "planned_target_num_replicas", "peak_extra_replicas", "peak_missing_replicas", "notes")
    class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTION_UNSPECIFIED: _ClassVar[DeploymentPlan.Action]
        ACTION_NONE: _ClassVar[DeploymentPlan.Action]
        ACTION_CREATE: _ClassVar[DeploymentPlan.Action]
        ACTION_SETTINGS: _ClassVar[DeploymentPlan.Action]
        ACTION_SCALE: _ClassVar[DeploymentPlan.Action]
        ACTION_RECONFIGURE: _ClassVar[DeploymentPlan.Action]
        ACTION_RESTART: _ClassVar[DeploymentPlan.Action]
        ACTION_DELETE: _ClassVar[DeploymentPlan.Action]
    ACTION_UNSPECIFIED: DeploymentPlan.Action
    ACTION_NONE: DeploymentPlan.Action
    ACTION_CREATE: DeploymentPlan.Action
    ACTION_SETTINGS: DeploymentPlan.Action
    ACTION_SCALE: DeploymentPlan.Action
    ACTION_RECONFIGURE: DeploymentPlan.Action
    ACTION_RESTART: DeploymentPlan.Action
    ACTION_DELETE: DeploymentPlan.Action
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    TARGET_NUM_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    PLANNED_TARGET_NUM_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    PEAK_EXTRA_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    PEAK_MISSING_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    action: DeploymentPlan.Action
    changes: _containers.RepeatedScalarFieldContainer[str]
    target_num_replicas: int
    planned_target_num_replicas: int
    peak_extra_replicas: int
    peak_missing_replicas: int
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., action: _Optional[_Union[DeploymentPlan.Action, str]] = ..., changes: _Optional[_Iterable[str]] = ..., target_num_replicas: _Optional[int] = ..., planned_target_num_replicas: _Optional[int] = ..., peak_extra_replicas: _Optional[int] = ..., peak_missing_replicas: _Optional[int] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...
