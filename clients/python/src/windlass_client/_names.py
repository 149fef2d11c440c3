"""Resource names, whose parts are percent-escaped."""

from __future__ import annotations

from urllib.parse import quote

_UNESCAPED = "-_.!~*'()"


def application_name(application: str) -> str:
    """`applications/{application}` of an application as its config calls it."""
    return f"applications/{quote(application, safe=_UNESCAPED)}"


def deployment_name(application: str, deployment: str) -> str:
    """`applications/{application}/deployments/{deployment}`."""
    return f"{application_name(application)}/deployments/{quote(deployment, safe=_UNESCAPED)}"
