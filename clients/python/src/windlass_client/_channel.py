"""What is told to gRPC about connections and retries."""

from __future__ import annotations

import json
from typing import Optional, Sequence, Tuple, Union

import grpc

from windlass_client._gen.safe_methods import SAFE_METHODS
from windlass_client._target import Target
from windlass_client._version import __version__

Options = Sequence[Tuple[str, Union[str, int]]]

# Doubles as how long making a connection may take: well below the default deadline of a call.
_CONNECT_TIMEOUT_MS = 4_000


def channel_options(target: Target, *, alone: bool = False) -> Options:
    """Options of a channel; one that is `alone` shares its connection with no other."""
    options: list[Tuple[str, Union[str, int]]] = [
        ("grpc.primary_user_agent", f"windlass-client-python/{__version__}"),
        ("grpc.service_config", _service_config()),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        # A call that ended at its deadline sends a ping too; gRPC's own limit for the answer is a minute.
        ("grpc.http2.ping_timeout_ms", 5_000),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", _CONNECT_TIMEOUT_MS),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        # What the server lets in and sends is bounded by the server.
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
    ]
    if target.loopback:
        options.append(("grpc.enable_http_proxy", 0))
    if alone:
        options.append(("grpc.use_local_subchannel_pool", 1))
    return options


def _service_config() -> str:
    """Safe calls are tried again on UNAVAILABLE, for about 4 s in all and never beyond their deadline."""
    policy = {
        "maxAttempts": 5,
        "initialBackoff": "0.1s",
        "maxBackoff": "3s",
        "backoffMultiplier": 3,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    names = [{"service": service, "method": method} for service, method in SAFE_METHODS]
    return json.dumps({"methodConfig": [{"name": names, "retryPolicy": policy}]})


def metadata_for(target: Target) -> tuple[tuple[str, str], ...]:
    """What goes with each call."""
    return (("authorization", f"Bearer {target.token}"),) if target.token else ()


def credentials_for(target: Target, root_certificates: Optional[bytes]) -> Optional[grpc.ChannelCredentials]:
    """TLS for https, None for http."""
    if not target.secure:
        if root_certificates is not None:
            raise ValueError("root_certificates are for https:// addresses only")
        return None
    return grpc.ssl_channel_credentials(root_certificates)
