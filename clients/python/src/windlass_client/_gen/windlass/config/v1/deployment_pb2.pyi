from google.protobuf import struct_pb2 as _struct_pb2
from windlass_client._gen.windlass.config.v1 import autoscaling_pb2 as _autoscaling_pb2
from windlass_client._gen.windlass.config.v1 import logging_pb2 as _logging_pb2
from windlass_client._gen.windlass.config.v1 import rollout_pb2 as _rollout_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DeploymentConfig(_message.Message):
    __slots__ = ("name", "num_replicas", "max_ongoing_requests", "max_queued_requests", "backpressure_config", "user_config", "autoscaling_config", "graceful_shutdown_wait_loop_s", "graceful_shutdown_timeout_s", "health_check_period_s", "health_check_timeout_s", "ray_actor_options", "placement_group_bundles", "placement_group_strategy", "placement_group_bundle_label_selector", "max_replicas_per_node", "logging_config", "request_router_config", "gang_scheduling_config", "deployment_actors", "rolling_update_percentage", "max_surge_percent", "explicit_nulls", "command", "readiness_path", "readiness_timeout_s", "env", "working_dir", "ingress", "rollout", "request_timeout_s", "cold_start_timeout_s", "autoscaling_shadow", "client_priorities")
    class EnvEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUM_REPLICAS_FIELD_NUMBER: _ClassVar[int]
    MAX_ONGOING_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    MAX_QUEUED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    BACKPRESSURE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    USER_CONFIG_FIELD_NUMBER: _ClassVar[int]
    AUTOSCALING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    GRACEFUL_SHUTDOWN_WAIT_LOOP_S_FIELD_NUMBER: _ClassVar[int]
    GRACEFUL_SHUTDOWN_TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    HEALTH_CHECK_PERIOD_S_FIELD_NUMBER: _ClassVar[int]
    HEALTH_CHECK_TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    RAY_ACTOR_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_GROUP_BUNDLES_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_GROUP_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_GROUP_BUNDLE_LABEL_SELECTOR_FIELD_NUMBER: _ClassVar[int]
    MAX_REPLICAS_PER_NODE_FIELD_NUMBER: _ClassVar[int]
    LOGGING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ROUTER_CONFIG_FIELD_NUMBER: _ClassVar[int]
    GANG_SCHEDULING_CONFIG_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_ACTORS_FIELD_NUMBER: _ClassVar[int]
    ROLLING_UPDATE_PERCENTAGE_FIELD_NUMBER: _ClassVar[int]
    MAX_SURGE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    EXPLICIT_NULLS_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    READINESS_PATH_FIELD_NUMBER: _ClassVar[int]
    READINESS_TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    ENV_FIELD_NUMBER: _ClassVar[int]
    WORKING_DIR_FIELD_NUMBER: _ClassVar[int]
    INGRESS_FIELD_NUMBER: _ClassVar[int]
    ROLLOUT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    COLD_START_TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    AUTOSCALING_SHADOW_FIELD_NUMBER: _ClassVar[int]
    CLIENT_PRIORITIES_FIELD_NUMBER: _ClassVar[int]
    name: str
    num_replicas: _struct_pb2.Value
    max_ongoing_requests: int
    max_queued_requests: int
    backpressure_config: BackpressureConfig
    user_config: _struct_pb2.Value
    autoscaling_config: _autoscaling_pb2.AutoscalingConfig
    graceful_shutdown_wait_loop_s: float
    graceful_shutdown_timeout_s: float
    health_check_period_s: float
    health_check_timeout_s: float
    ray_actor_options: _struct_pb2.Struct
    placement_group_bundles: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    placement_group_strategy: str
    placement_group_bundle_label_selector: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    max_replicas_per_node: int
    logging_config: _logging_pb2.LoggingConfig
    request_router_config: _struct_pb2.Struct
    gang_scheduling_config: _struct_pb2.Struct
    deployment_actors: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    rolling_update_percentage: float
    max_surge_percent: int
    explicit_nulls: _containers.RepeatedScalarFieldContainer[str]
    command: _containers.RepeatedScalarFieldContainer[str]
    readiness_path: str
    readiness_timeout_s: float
    env: _containers.ScalarMap[str, str]
    working_dir: str
    ingress: bool
    rollout: _rollout_pb2.RolloutConfig
    request_timeout_s: float
    cold_start_timeout_s: float
    autoscaling_shadow: _autoscaling_pb2.AutoscalingConfig
    client_priorities: bool
    def __init__(self, name: _Optional[str] = ..., num_replicas: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., max_ongoing_requests: _Optional[int] = ..., max_queued_requests: _Optional[int] = ..., backpressure_config: _Optional[_Union[BackpressureConfig, _Mapping]] = ..., user_config: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., autoscaling_config: _Optional[_Union[_autoscaling_pb2.AutoscalingConfig, _Mapping]] = ..., graceful_shutdown_wait_loop_s: _Optional[float] = ..., graceful_shutdown_timeout_s: _Optional[float] = ..., health_check_period_s: _Optional[float] = ..., health_check_timeout_s: _Optional[float] = ..., ray_actor_options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., placement_group_bundles: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., placement_group_strategy: _Optional[str] = ..., placement_group_bundle_label_selector: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., max_replicas_per_node: _Optional[int] = ..., logging_config: _Optional[_Union[_logging_pb2.LoggingConfig, _Mapping]] = ..., request_router_config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., gang_scheduling_config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., deployment_actors: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., rolling_update_percentage: _Optional[float] = ..., max_surge_percent: _Optional[int] = ..., explicit_nulls: _Optional[_Iterable[str]] = ..., command: _Optional[_Iterable[str]] = ..., readiness_path: _Optional[str] = ..., readiness_timeout_s: _Optional[float] = ..., env: _Optional[_Mapping[str, str]] = ..., working_dir: _Optional[str] = ..., ingress: bool = ..., rollout: _Optional[_Union[_rollout_pb2.RolloutConfig, _Mapping]] = ..., request_timeout_s: _Optional[float] = ..., cold_start_timeout_s: _Optional[float] = ..., autoscaling_shadow: _Optional[_Union[_autoscaling_pb2.AutoscalingConfig, _Mapping]] = ..., client_priorities: bool = ...) -> None: ...

class BackpressureConfig(_message.Message):
    __slots__ = ("status_code", "retry_after_s")
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_S_FIELD_NUMBER: _ClassVar[int]
    status_code: int
    retry_after_s: float
    def __init__(self, status_code: _Optional[int] = ..., retry_after_s: _Optional[float] = ...) -> None: ...
