from google.protobuf import struct_pb2 as _struct_pb2
from windlass_client._gen.windlass.config.v1 import deployment_pb2 as _deployment_pb2
from windlass_client._gen.windlass.config.v1 import http_pb2 as _http_pb2
from windlass_client._gen.windlass.config.v1 import logging_pb2 as _logging_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScalingOwner(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCALING_OWNER_UNSPECIFIED: _ClassVar[ScalingOwner]
    SCALING_OWNER_AUTOSCALER: _ClassVar[ScalingOwner]
    SCALING_OWNER_EXTERNAL: _ClassVar[ScalingOwner]
    SCALING_OWNER_MANUAL: _ClassVar[ScalingOwner]

class LeaseFallback(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_FALLBACK_UNSPECIFIED: _ClassVar[LeaseFallback]
    LEASE_FALLBACK_HOLD: _ClassVar[LeaseFallback]
    LEASE_FALLBACK_FLOOR: _ClassVar[LeaseFallback]
    LEASE_FALLBACK_POLICY: _ClassVar[LeaseFallback]

class ProxyLocation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROXY_LOCATION_UNSPECIFIED: _ClassVar[ProxyLocation]
    PROXY_LOCATION_DISABLED: _ClassVar[ProxyLocation]
    PROXY_LOCATION_HEAD_ONLY: _ClassVar[ProxyLocation]
    PROXY_LOCATION_EVERY_NODE: _ClassVar[ProxyLocation]
SCALING_OWNER_UNSPECIFIED: ScalingOwner
SCALING_OWNER_AUTOSCALER: ScalingOwner
SCALING_OWNER_EXTERNAL: ScalingOwner
SCALING_OWNER_MANUAL: ScalingOwner
LEASE_FALLBACK_UNSPECIFIED: LeaseFallback
LEASE_FALLBACK_HOLD: LeaseFallback
LEASE_FALLBACK_FLOOR: LeaseFallback
LEASE_FALLBACK_POLICY: LeaseFallback
PROXY_LOCATION_UNSPECIFIED: ProxyLocation
PROXY_LOCATION_DISABLED: ProxyLocation
PROXY_LOCATION_HEAD_ONLY: ProxyLocation
PROXY_LOCATION_EVERY_NODE: ProxyLocation

class ApplicationConfig(_message.Message):
    __slots__ = ("name", "route_prefix", "import_path", "runtime_env", "deployments", "autoscaling_policy", "args", "logging_config", "external_scaler_enabled", "explicit_nulls", "scaling", "autoscaling_shadow")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROUTE_PREFIX_FIELD_NUMBER: _ClassVar[int]
    IMPORT_PATH_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_ENV_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENTS_FIELD_NUMBER: _ClassVar[int]
    AUTOSCALING_POLICY_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    LOGGING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_SCALER_ENABLED_FIELD_NUMBER: _ClassVar[int]
    EXPLICIT_NULLS_FIELD_NUMBER: _ClassVar[int]
    SCALING_FIELD_NUMBER: _ClassVar[int]
    AUTOSCALING_SHADOW_FIELD_NUMBER: _ClassVar[int]
    name: str
    route_prefix: str
    import_path: str
    runtime_env: _struct_pb2.Struct
    deployments: _containers.RepeatedCompositeFieldContainer[_deployment_pb2.DeploymentConfig]
    autoscaling_policy: _struct_pb2.Struct
    args: _struct_pb2.Struct
    logging_config: _logging_pb2.LoggingConfig
    external_scaler_enabled: bool
    explicit_nulls: _containers.RepeatedScalarFieldContainer[str]
    scaling: ScalingConfig
    autoscaling_shadow: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., route_prefix: _Optional[str] = ..., import_path: _Optional[str] = ..., runtime_env: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., deployments: _Optional[_Iterable[_Union[_deployment_pb2.DeploymentConfig, _Mapping]]] = ..., autoscaling_policy: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., args: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., logging_config: _Optional[_Union[_logging_pb2.LoggingConfig, _Mapping]] = ..., external_scaler_enabled: bool = ..., explicit_nulls: _Optional[_Iterable[str]] = ..., scaling: _Optional[_Union[ScalingConfig, _Mapping]] = ..., autoscaling_shadow: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ScalingConfig(_message.Message):
    __slots__ = ("owner", "lease_fallback")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    LEASE_FALLBACK_FIELD_NUMBER: _ClassVar[int]
    owner: ScalingOwner
    lease_fallback: LeaseFallback
    def __init__(self, owner: _Optional[_Union[ScalingOwner, str]] = ..., lease_fallback: _Optional[_Union[LeaseFallback, str]] = ...) -> None: ...

class DeployConfig(_message.Message):
    __slots__ = ("proxy_location", "http_options", "grpc_options", "logging_config", "applications", "target_capacity")
    PROXY_LOCATION_FIELD_NUMBER: _ClassVar[int]
    HTTP_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    GRPC_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    LOGGING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    APPLICATIONS_FIELD_NUMBER: _ClassVar[int]
    TARGET_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    proxy_location: ProxyLocation
    http_options: _http_pb2.HTTPOptions
    grpc_options: _http_pb2.GRPCOptions
    logging_config: _logging_pb2.LoggingConfig
    applications: _containers.RepeatedCompositeFieldContainer[ApplicationConfig]
    target_capacity: float
    def __init__(self, proxy_location: _Optional[_Union[ProxyLocation, str]] = ..., http_options: _Optional[_Union[_http_pb2.HTTPOptions, _Mapping]] = ..., grpc_options: _Optional[_Union[_http_pb2.GRPCOptions, _Mapping]] = ..., logging_config: _Optional[_Union[_logging_pb2.LoggingConfig, _Mapping]] = ..., applications: _Optional[_Iterable[_Union[ApplicationConfig, _Mapping]]] = ..., target_capacity: _Optional[float] = ...) -> None: ...
