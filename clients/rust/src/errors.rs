//! What Windlass says of a failed call, read from gRPC's own errors.

use std::collections::BTreeMap;

use prost::Message;
use tonic::Status;

const DOMAIN: &str = "windlass";

/// One problem of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, `applications[0].deployments[1].max_ongoing_requests`; empty where it is the whole.
    pub field: String,
    /// One line: what was wrong, the value, the limit.
    pub description: String,
}

/// Why a call failed, as docs/errors.md lists: `STALE_ETAG`. `None` where the error is not from Windlass.
pub fn reason_of(status: &Status) -> Option<String> {
    error_info(status).map(|info| info.reason)
}

/// What came with the reason, such as `owner` with `LEASE_HELD`.
pub fn metadata_of(status: &Status) -> BTreeMap<String, String> {
    error_info(status).map(|info| info.metadata).unwrap_or_default()
}

/// The problems of the request; empty where the error tells none.
pub fn violations_of(status: &Status) -> Vec<Violation> {
    details::<BadRequest>(status, "google.rpc.BadRequest")
        .flat_map(|detail| detail.field_violations)
        .map(|FieldViolation { field, description }| Violation { field, description })
        .collect()
}

fn error_info(status: &Status) -> Option<ErrorInfo> {
    details::<ErrorInfo>(status, "google.rpc.ErrorInfo").find(|info| info.domain == DOMAIN)
}

fn details<M: Message + Default>(status: &Status, kind: &'static str) -> impl Iterator<Item = M> {
    // Whoever sends what is no google.rpc.Status has said nothing of use.
    let all = RpcStatus::decode(status.details()).unwrap_or_default().details;
    all.into_iter()
        .filter(move |any| any.type_url.rsplit('/').next() == Some(kind))
        .filter_map(|any| M::decode(any.value.as_slice()).ok())
}

// The few messages of google.rpc that this takes.

#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    metadata: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
struct BadRequest {
    #[prost(message, repeated, tag = "1")]
    field_violations: Vec<FieldViolation>,
}

#[derive(Clone, PartialEq, Message)]
struct FieldViolation {
    #[prost(string, tag = "1")]
    field: String,
    #[prost(string, tag = "2")]
    description: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    fn any(kind: &str, message: &impl Message) -> prost_types::Any {
        prost_types::Any { type_url: format!("type.googleapis.com/{kind}"), value: message.encode_to_vec() }
    }

    fn status(details: Vec<prost_types::Any>) -> Status {
        let bytes = RpcStatus { details }.encode_to_vec();
        Status::with_details(Code::Aborted, "no", bytes.into())
    }

    fn info(domain: &str) -> ErrorInfo {
        ErrorInfo {
            reason: "LEASE_HELD".into(),
            domain: domain.into(),
            metadata: BTreeMap::from([("owner".into(), "someone".into())]),
        }
    }

    #[test]
    fn reason_and_violations_are_read() {
        let problem = FieldViolation { field: "a.b".into(), description: "is bad".into() };
        let error = status(vec![
            any("google.rpc.ErrorInfo", &info("another")),
            any("google.rpc.ErrorInfo", &info(DOMAIN)),
            any("google.rpc.BadRequest", &BadRequest { field_violations: vec![problem] }),
        ]);
        assert_eq!(reason_of(&error).as_deref(), Some("LEASE_HELD"));
        assert_eq!(metadata_of(&error)["owner"], "someone");
        assert_eq!(violations_of(&error), [Violation { field: "a.b".into(), description: "is bad".into() }]);
    }

    #[test]
    fn errors_of_others_have_none() {
        let others = [
            Status::unavailable("gone"),
            Status::with_details(Code::Internal, "", vec![0xff, 1, 2].into()),
            status(vec![any("google.rpc.ErrorInfo", &info("another"))]),
        ];
        for error in others {
            assert_eq!(reason_of(&error), None);
            assert!(metadata_of(&error).is_empty() && violations_of(&error).is_empty());
        }
    }
}
