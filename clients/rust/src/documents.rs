//! Config documents, as YAML and JSON files hold them, made into messages. Pure.

use std::fmt;

use prost::Message;
use prost_types::value::Kind as ValueKind;
use serde_json::{Map, Value};

use crate::config_v1::{ApplicationConfig, DeployConfig};
use crate::generated::documents::{APPLICATION_CONFIG, DEPLOY_CONFIG};

/// Names the fields that were given as a null, where absent means something else.
const NULLS: &str = "explicit_nulls";

/// A field of a message.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) number: u32,
    pub(crate) repeated: bool,
    pub(crate) kind: Kind,
}

/// What a field holds.
pub(crate) enum Kind {
    Text,
    Bool,
    Double,
    Unsigned,
    Signed,
    /// Names, without what all begin with, and numbers of the values.
    Enum(&'static [(&'static str, i32)]),
    Message(&'static [Field]),
    /// Anything.
    Value,
    /// Anything by name.
    Struct,
    /// Text by name.
    TextMap,
}

/// A message cannot hold a document: one line says where and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError(String);

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the config does not fit a message: {}", self.0)
    }
}

impl std::error::Error for DocumentError {}

/// One application of a config file, for `UpdateApplication`.
///
/// The document is what a reader of YAML or JSON makes of it as a [`serde_json::Value`]. An error where a message cannot
/// hold it: an unknown field, a text for a number. The server checks the rest.
pub fn application_config(document: &Value) -> Result<ApplicationConfig, DocumentError> {
    message(document, APPLICATION_CONFIG)
}

/// A whole config file, for `ApplyConfig`. Else as [`application_config`].
pub fn deploy_config(document: &Value) -> Result<DeployConfig, DocumentError> {
    message(document, DEPLOY_CONFIG)
}

fn message<M: Message + Default>(document: &Value, fields: &[Field]) -> Result<M, DocumentError> {
    let bytes = message_bytes(document, fields, "")?;
    M::decode(bytes.as_slice()).map_err(|error| DocumentError(error.to_string()))
}

fn message_bytes(document: &Value, fields: &[Field], path: &str) -> Result<Vec<u8>, DocumentError> {
    let whole = if path.is_empty() { "it" } else { path };
    let map = document.as_object().ok_or_else(|| unfit(whole, "a mapping", document))?;
    let mut out = Vec::new();
    for (key, value) in map {
        let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let field = fields.iter().find(|field| field.name == key && key != NULLS);
        let field = field.ok_or_else(|| DocumentError(format!("{here} is not known")))?;
        match value {
            Value::Null => {
                if let Some(nulls) = fields.iter().find(|field| field.name == NULLS) {
                    put_bytes(&mut out, nulls.number, key.as_bytes());
                }
            }
            Value::Array(list) if field.repeated => {
                for (index, each) in list.iter().enumerate() {
                    put(&mut out, field, each, &format!("{here}[{index}]"))?;
                }
            }
            _ if field.repeated => return Err(unfit(&here, "a list", value)),
            _ => put(&mut out, field, value, &here)?,
        }
    }
    Ok(out)
}

fn put(out: &mut Vec<u8>, field: &Field, value: &Value, path: &str) -> Result<(), DocumentError> {
    let number = field.number;
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| unfit(path, "a text", value));
    let map = || value.as_object().ok_or_else(|| unfit(path, "a mapping", value));
    match field.kind {
        Kind::Text => put_bytes(out, number, text(value)?.as_bytes()),
        Kind::Bool => {
            let truth = value.as_bool().ok_or_else(|| unfit(path, "true or false", value))?;
            put_varint(out, number, truth.into());
        }
        Kind::Double => {
            let double = value.as_f64().ok_or_else(|| unfit(path, "a number", value))?;
            put_key(out, number, 1);
            out.extend(double.to_le_bytes());
        }
        Kind::Unsigned => {
            let wanted = "a whole number from 0 to 4294967295";
            let whole = whole(value).and_then(|whole| u32::try_from(whole).ok());
            put_varint(out, number, whole.ok_or_else(|| unfit(path, wanted, value))?.into());
        }
        Kind::Signed => {
            let wanted = "a whole number from -2147483648 to 2147483647";
            let whole = whole(value).and_then(|whole| i32::try_from(whole).ok());
            let whole = whole.ok_or_else(|| unfit(path, wanted, value))?;
            // On the wire negative numbers have 64 bits.
            put_varint(out, number, i64::from(whole) as u64);
        }
        Kind::Enum(values) => put_varint(out, number, enum_number(values, value, path)? as u64),
        Kind::Message(fields) => put_bytes(out, number, &message_bytes(value, fields, path)?),
        Kind::Value => put_bytes(out, number, &any(value).encode_to_vec()),
        Kind::Struct => put_bytes(out, number, &structure(map()?).encode_to_vec()),
        Kind::TextMap => {
            for (key, each) in map()? {
                // A map is on the wire a list of entries.
                let mut entry = Vec::new();
                put_bytes(&mut entry, 1, key.as_bytes());
                put_bytes(&mut entry, 2, text(each)?.as_bytes());
                put_bytes(out, number, &entry);
            }
        }
    }
    Ok(())
}

/// `5` and `5.0`.
fn whole(value: &Value) -> Option<i64> {
    let exact = |double: f64| (double.fract() == 0.0 && double.abs() < 1e15).then_some(double as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(exact))
}

/// `max` is `MAX`, `HeadOnly` is `HEAD_ONLY`.
fn enum_number(values: &[(&str, i32)], value: &Value, path: &str) -> Result<i32, DocumentError> {
    let bare = |text: &str| text.replace('_', "").to_ascii_uppercase();
    let wanted = value.as_str().map(bare);
    let found = wanted.and_then(|wanted| values.iter().find(|(name, _)| bare(name) == wanted));
    let number = found.map(|(_, number)| *number);
    number.ok_or_else(|| unfit(path, "one of the names that config.md lists", value))
}

fn any(value: &Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => ValueKind::NullValue(0),
        Value::Bool(truth) => ValueKind::BoolValue(*truth),
        // Whole numbers beyond 2^53 lose digits, as in JSON's own readers.
        Value::Number(number) => ValueKind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => ValueKind::StringValue(text.clone()),
        Value::Array(list) => ValueKind::ListValue(prost_types::ListValue { values: list.iter().map(any).collect() }),
        Value::Object(map) => ValueKind::StructValue(structure(map)),
    };
    prost_types::Value { kind: Some(kind) }
}

fn structure(map: &Map<String, Value>) -> prost_types::Struct {
    let fields = map.iter().map(|(key, value)| (key.clone(), any(value))).collect();
    prost_types::Struct { fields }
}

fn unfit(path: &str, wanted: &str, value: &Value) -> DocumentError {
    let mut got = value.to_string();
    if got.chars().count() > 60 {
        got = got.chars().take(60).chain(['…']).collect();
    }
    DocumentError(format!("{path} must be {wanted}, got {got}"))
}

fn put_key(out: &mut Vec<u8>, number: u32, wire: u64) {
    varint(out, u64::from(number) << 3 | wire);
}

fn put_varint(out: &mut Vec<u8>, number: u32, value: u64) {
    put_key(out, number, 0);
    varint(out, value);
}

fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_key(out, number, 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config_v1::{AggregationFunction, LeaseFallback, ProxyLocation, ScalingOwner};

    #[test]
    fn a_document_becomes_a_message_with_its_nulls_by_name() {
        let config = application_config(&json!({
            "name": "shop",
            "route_prefix": null,
            "args": { "left": null, "deep": [1, { "a": true }] },
            "scaling": { "owner": "external", "lease_fallback": "floor" },
            "deployments": [{
                "name": "Model",
                "num_replicas": "auto",
                "max_ongoing_requests": 300.0,
                "max_queued_requests": -1,
                "user_config": { "threshold": 0.5 },
                "env": { "A": "b" },
                "command": ["serve", "--fast"],
                "ingress": true,
                "autoscaling_config": { "aggregation_function": "max", "initial_replicas": null, "upscale_delay_s": 3 },
                "rollout": { "max_surge": "25%", "canary": [{ "weight": 5, "pause_s": null }] },
            }],
        }))
        .unwrap();
        assert_eq!((config.name.as_deref(), config.route_prefix), (Some("shop"), None));
        assert_eq!(config.explicit_nulls, ["route_prefix"]);
        let args = config.args.unwrap().fields;
        assert_eq!(args["left"], any(&Value::Null));
        assert_eq!(args["deep"], any(&json!([1, { "a": true }])));
        let scaling = config.scaling.unwrap();
        assert_eq!(scaling.owner(), ScalingOwner::External);
        assert_eq!(scaling.lease_fallback(), LeaseFallback::Floor);
        let [model] = config.deployments.as_slice() else { panic!("{:?}", config.deployments) };
        assert_eq!(model.num_replicas, Some("auto".to_owned().into()));
        assert_eq!((model.max_ongoing_requests, model.max_queued_requests), (Some(300), Some(-1)));
        assert_eq!(model.user_config, Some(any(&json!({ "threshold": 0.5 }))));
        assert_eq!((model.env["A"].as_str(), model.ingress), ("b", Some(true)));
        assert_eq!(model.command, ["serve", "--fast"]);
        let scaler = model.autoscaling_config.as_ref().unwrap();
        assert_eq!(scaler.aggregation_function(), AggregationFunction::Max);
        assert_eq!(
            (scaler.upscale_delay_s, scaler.explicit_nulls.as_slice()),
            (Some(3.0), &["initial_replicas".into()][..])
        );
        let rollout = model.rollout.as_ref().unwrap();
        assert_eq!((rollout.canary[0].weight, rollout.canary[0].explicit_nulls.len()), (Some(5), 1));
    }

    #[test]
    fn a_whole_file_too() {
        let document =
            json!({ "proxy_location": "HeadOnly", "target_capacity": null, "applications": [{ "name": "a" }] });
        let config = deploy_config(&document).unwrap();
        assert_eq!((config.proxy_location(), config.target_capacity), (ProxyLocation::HeadOnly, None));
        assert_eq!(config.applications[0].name.as_deref(), Some("a"));
    }

    #[test]
    fn what_no_message_can_hold_is_told() {
        for (document, problem) in [
            (json!({ "nmae": "shop" }), "nmae is not known"),
            (json!({ "explicit_nulls": ["name"] }), "explicit_nulls is not known"),
            (json!({ "deployments": [{}, { "replicas": 2 }] }), "deployments[1].replicas is not known"),
            (json!({ "deployments": ["Model"] }), "deployments[0] must be a mapping, got \"Model\""),
            (json!({ "deployments": {} }), "deployments must be a list, got {}"),
            (
                json!({ "scaling": { "owner": "nobody" } }),
                "scaling.owner must be one of the names that config.md lists, got \"nobody\"",
            ),
            (
                json!({ "deployments": [{ "max_ongoing_requests": -1 }] }),
                "deployments[0].max_ongoing_requests must be a whole number from 0 to 4294967295, got -1",
            ),
            (
                json!({ "scaling": { "owner": "" } }),
                "scaling.owner must be one of the names that config.md lists, got \"\"",
            ),
            (json!({ "name": 5 }), "name must be a text, got 5"),
            (json!([]), "it must be a mapping, got []"),
        ] {
            let error = application_config(&document).unwrap_err();
            assert_eq!(error.to_string(), format!("the config does not fit a message: {problem}"));
        }
    }
}
