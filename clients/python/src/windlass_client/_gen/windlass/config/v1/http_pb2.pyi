from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class HTTPOptions(_message.Message):
    __slots__ = ("host", "port", "root_path", "request_timeout_s", "keep_alive_timeout_s", "ssl_keyfile", "ssl_certfile", "ssl_keyfile_password", "ssl_ca_certs")
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    ROOT_PATH_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    KEEP_ALIVE_TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    SSL_KEYFILE_FIELD_NUMBER: _ClassVar[int]
    SSL_CERTFILE_FIELD_NUMBER: _ClassVar[int]
    SSL_KEYFILE_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    SSL_CA_CERTS_FIELD_NUMBER: _ClassVar[int]
    host: str
    port: int
    root_path: str
    request_timeout_s: float
    keep_alive_timeout_s: int
    ssl_keyfile: str
    ssl_certfile: str
    ssl_keyfile_password: str
    ssl_ca_certs: str
    def __init__(self, host: _Optional[str] = ..., port: _Optional[int] = ..., root_path: _Optional[str] = ..., request_timeout_s: _Optional[float] = ..., keep_alive_timeout_s: _Optional[int] = ..., ssl_keyfile: _Optional[str] = ..., ssl_certfile: _Optional[str] = ..., ssl_keyfile_password: _Optional[str] = ..., ssl_ca_certs: _Optional[str] = ...) -> None: ...

class GRPCOptions(_message.Message):
    __slots__ = ("port", "grpc_servicer_functions", "request_timeout_s", "enable_reflection")
    PORT_FIELD_NUMBER: _ClassVar[int]
    GRPC_SERVICER_FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    ENABLE_REFLECTION_FIELD_NUMBER: _ClassVar[int]
    port: int
    grpc_servicer_functions: _containers.RepeatedScalarFieldContainer[str]
    request_timeout_s: float
    enable_reflection: bool
    def __init__(self, port: _Optional[int] = ..., grpc_servicer_functions: _Optional[_Iterable[str]] = ..., request_timeout_s: _Optional[float] = ..., enable_reflection: bool = ...) -> None: ...
