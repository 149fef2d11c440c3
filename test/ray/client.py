"""Drives Ray's own Serve client: client.py ADDRESS TOKEN, then one JSON command a line on stdin, one answer a line."""

import json
import sys

from ray.dashboard.modules.serve.sdk import ServeSubmissionClient
from ray.serve.schema import (
    ApplicationDetails,
    DeploymentDetails,
    ServeDeploySchema,
    ServeInstanceDetails,
)


def check_models_are_strict() -> None:
    """An extra key must be an error at these levels; else parsing an answer would show nothing."""
    for model in (ServeInstanceDetails, ApplicationDetails, DeploymentDetails):
        if model.model_config.get("extra") != "forbid":
            sys.exit(f"{model.__name__} takes extra keys")


def run(client: ServeSubmissionClient, command: dict) -> object:
    if command["do"] == "deploy":
        return client.deploy_applications(ServeDeploySchema.model_validate(command["config"]).model_dump(exclude_unset=True))
    if command["do"] == "deploy-as-is":
        return client.deploy_applications(command["config"])
    if command["do"] == "delete":
        return client.delete_applications()
    details = client.get_serve_details()
    parsed = ServeInstanceDetails.model_validate_json(json.dumps(details), strict=True)
    # What the models make of it, and what was sent: a key that they dropped or renamed would differ.
    return {"sent": details, "parsed": json.loads(parsed.model_dump_json(exclude_unset=True))}


def main(address: str, token: str) -> None:
    check_models_are_strict()
    headers = {"Authorization": f"Bearer {token}"} if token else None
    client = None
    for line in sys.stdin:
        try:
            client = client or ServeSubmissionClient(address, headers=headers)
            answer = {"ok": run(client, json.loads(line))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main(*sys.argv[1:])
