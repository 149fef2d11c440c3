"""Deploys, scales and watches applications on Windlass.

`Client` and `AsyncClient` have the same surface. `v1` has the messages of the API, `config_v1` those of configs.
"""

from __future__ import annotations

from windlass_client._aio_client import AsyncClient
from windlass_client._aio_watch import AsyncWatch
from windlass_client._client import Client
from windlass_client._config import application_config, deploy_config
from windlass_client._errors import Violation, metadata_of, reason_of, violations_of
from windlass_client._events import Deleted, Event, Reset, Synced, Updated
from windlass_client._gen import config_v1, v1
from windlass_client._names import application_name, deployment_name
from windlass_client._version import __version__
from windlass_client._wait import ApplicationFailed
from windlass_client._watch import Watch

__all__ = [
    "ApplicationFailed",
    "AsyncClient",
    "AsyncWatch",
    "Client",
    "Deleted",
    "Event",
    "Reset",
    "Synced",
    "Updated",
    "Violation",
    "Watch",
    "__version__",
    "application_config",
    "application_name",
    "config_v1",
    "deploy_config",
    "deployment_name",
    "metadata_of",
    "reason_of",
    "v1",
    "violations_of",
]
