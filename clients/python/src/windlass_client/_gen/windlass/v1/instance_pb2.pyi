import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Instance(_message.Message):
    __slots__ = ("state", "http_address", "target_capacity", "proxies", "create_time", "update_time")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Instance.State]
        STATE_ABSENT: _ClassVar[Instance.State]
        STATE_RUNNING: _ClassVar[Instance.State]
        STATE_ENDING: _ClassVar[Instance.State]
    STATE_UNSPECIFIED: Instance.State
    STATE_ABSENT: Instance.State
    STATE_RUNNING: Instance.State
    STATE_ENDING: Instance.State
    STATE_FIELD_NUMBER: _ClassVar[int]
    HTTP_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    TARGET_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    PROXIES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    state: Instance.State
    http_address: str
    target_capacity: float
    proxies: _containers.RepeatedCompositeFieldContainer[Proxy]
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, state: _Optional[_Union[Instance.State, str]] = ..., http_address: _Optional[str] = ..., target_capacity: _Optional[float] = ..., proxies: _Optional[_Iterable[_Union[Proxy, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Proxy(_message.Message):
    __slots__ = ("id", "pid", "state")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Proxy.State]
        STATE_STARTING: _ClassVar[Proxy.State]
        STATE_HEALTHY: _ClassVar[Proxy.State]
        STATE_UNHEALTHY: _ClassVar[Proxy.State]
        STATE_DRAINING: _ClassVar[Proxy.State]
    STATE_UNSPECIFIED: Proxy.State
    STATE_STARTING: Proxy.State
    STATE_HEALTHY: Proxy.State
    STATE_UNHEALTHY: Proxy.State
    STATE_DRAINING: Proxy.State
    ID_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    pid: int
    state: Proxy.State
    def __init__(self, id: _Optional[str] = ..., pid: _Optional[int] = ..., state: _Optional[_Union[Proxy.State, str]] = ...) -> None: ...
