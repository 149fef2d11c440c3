//! Resource names, whose parts are percent-escaped.

use std::fmt::Write;

/// `applications/{application}`, of an application as its config calls it.
pub fn application_name(application: &str) -> String {
    format!("applications/{}", escape(application))
}

/// `applications/{application}/deployments/{deployment}`.
pub fn deployment_name(application: &str, deployment: &str) -> String {
    format!("{}/deployments/{}", application_name(application), escape(deployment))
}

fn escape(part: &str) -> String {
    part.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // A String takes everything.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_escaped() {
        assert_eq!(application_name("a b/ü"), "applications/a%20b%2F%C3%BC");
        assert_eq!(deployment_name("a", "(b)"), "applications/a/deployments/(b)");
    }
}
