"""Config documents made into messages."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from google.protobuf.json_format import MessageToDict

from windlass_client import application_config, config_v1, deploy_config


def test_a_document_becomes_a_message_with_its_nulls_by_name() -> None:
    document: Dict[str, Any] = {
        "name": "shop",
        "route_prefix": None,
        "import_path": "./app.ts:app",
        "args": {"left": None, "deep": [1, {"a": True}]},
        "scaling": {"owner": "external", "lease_fallback": "floor"},
        "deployments": [
            {
                "name": "Model",
                "num_replicas": "auto",
                "user_config": {"threshold": 0.5},
                "env": {"A": "b"},
                "autoscaling_config": {"max_replicas": 3, "aggregation_function": "max", "initial_replicas": None},
                "rollout": {"max_surge": "25%", "canary": [{"weight": 5, "pause_s": None}]},
            }
        ],
    }
    config = application_config(document)
    assert MessageToDict(config, preserving_proto_field_name=True) == {
        "name": "shop",
        "import_path": "./app.ts:app",
        "args": {"left": None, "deep": [1, {"a": True}]},
        "scaling": {"owner": "SCALING_OWNER_EXTERNAL", "lease_fallback": "LEASE_FALLBACK_FLOOR"},
        "explicit_nulls": ["route_prefix"],
        "deployments": [
            {
                "name": "Model",
                "num_replicas": "auto",
                "user_config": {"threshold": 0.5},
                "env": {"A": "b"},
                "autoscaling_config": {
                    "max_replicas": 3,
                    "aggregation_function": "AGGREGATION_FUNCTION_MAX",
                    "explicit_nulls": ["initial_replicas"],
                },
                "rollout": {"max_surge": "25%", "canary": [{"weight": 5, "explicit_nulls": ["pause_s"]}]},
            }
        ],
    }


def test_a_whole_file_too() -> None:
    config = deploy_config({"proxy_location": "HeadOnly", "target_capacity": None, "applications": [{"name": "a"}]})
    assert config.proxy_location == config_v1.PROXY_LOCATION_HEAD_ONLY
    assert [each.name for each in config.applications] == ["a"]
    assert not config.HasField("target_capacity")


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"nmae": "shop"}, "nmae is not known"),
        ({"deployments": [{"name": "a"}, {"replicas": 2}]}, r"deployments\[1\]\.replicas is not known"),
        ({"deployments": ["Model"]}, r"deployments\[0\] must be a mapping, got 'Model'"),
        ({"scaling": {"owner": "nobody"}}, "SCALING_OWNER_NOBODY"),
        ({"deployments": [{"max_ongoing_requests": "many"}]}, "many"),
        ([], "it must be a mapping"),
    ],
)
def test_what_no_message_can_hold_is_a_value_error(document: Any, problem: str) -> None:  # noqa: ANN401
    with pytest.raises(ValueError, match=f"^the config does not fit a message: .*{problem}"):
        application_config(document)
