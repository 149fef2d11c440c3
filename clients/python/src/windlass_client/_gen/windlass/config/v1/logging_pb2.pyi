from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class LoggingConfig(_message.Message):
    __slots__ = ("encoding", "log_level", "logs_dir", "enable_access_log", "additional_log_standard_attrs")
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    LOG_LEVEL_FIELD_NUMBER: _ClassVar[int]
    LOGS_DIR_FIELD_NUMBER: _ClassVar[int]
    ENABLE_ACCESS_LOG_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_LOG_STANDARD_ATTRS_FIELD_NUMBER: _ClassVar[int]
    encoding: str
    log_level: str
    logs_dir: str
    enable_access_log: bool
    additional_log_standard_attrs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, encoding: _Optional[str] = ..., log_level: _Optional[str] = ..., logs_dir: _Optional[str] = ..., enable_access_log: bool = ..., additional_log_standard_attrs: _Optional[_Iterable[str]] = ...) -> None: ...
