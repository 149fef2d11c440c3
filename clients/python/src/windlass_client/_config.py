"""Config documents, as YAML files hold them, made into messages. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError

from windlass_client._gen import config_v1

_NULLS = "explicit_nulls"


def application_config(document: Mapping[str, Any]) -> config_v1.ApplicationConfig:
    """One application of a config file, `yaml.safe_load(file)["applications"][0]`, for UpdateApplication.

    ValueError where a message cannot hold it: an unknown field, a text for a number. The server checks the rest.
    """
    message = config_v1.ApplicationConfig()
    _fill(message, document)
    return message


def deploy_config(document: Mapping[str, Any]) -> config_v1.DeployConfig:
    """A whole config file, for ApplyConfig. Else as `application_config`."""
    message = config_v1.DeployConfig()
    _fill(message, document)
    return message


def _fill(message: Any, document: Mapping[str, Any]) -> None:  # noqa: ANN401
    try:
        ParseDict(_message_json(message.DESCRIPTOR, document, ""), message)
    except ParseError as error:
        raise ValueError(f"the config does not fit a message: {error}") from None


def _message_json(kind: Descriptor, document: object, path: str) -> Dict[str, Any]:
    if not isinstance(document, Mapping):
        raise ValueError(f"the config does not fit a message: {path or 'it'} must be a mapping, got {document!r}")
    out: Dict[str, Any] = {}
    nulls: List[str] = []
    for key, value in document.items():
        field = kind.fields_by_name.get(key)
        here = f"{path}.{key}" if path else str(key)
        if field is None or key == _NULLS:
            raise ValueError(f"the config does not fit a message: {here} is not known")
        if value is not None:
            out[key] = _field_json(field, value, here)
        elif _NULLS in kind.fields_by_name:
            # Where absent means something else, a null is told by name.
            nulls.append(key)
    return {**out, _NULLS: nulls} if nulls else out


def _field_json(field: FieldDescriptor, value: object, path: str) -> Any:  # noqa: ANN401
    kind = field.message_type
    ours = kind is not None and kind.file.package.startswith("windlass.") and not kind.GetOptions().map_entry
    if ours and isinstance(value, list):
        return [_message_json(kind, item, f"{path}[{index}]") for index, item in enumerate(value)]
    if ours:
        return _message_json(kind, value, path)
    if field.enum_type is not None and isinstance(value, str):
        # "max" is AGGREGATION_FUNCTION_MAX, "HeadOnly" is PROXY_LOCATION_HEAD_ONLY.
        prefix = field.enum_type.values[0].name[: -len("UNSPECIFIED")]
        return prefix + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value).upper()
    return value
