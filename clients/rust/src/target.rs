//! Where and as whom to call: decided once, from what is given and the environment.

use std::fmt;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use http::{HeaderValue, Uri};

const DEFAULT_ADDRESS: &str = "http://127.0.0.1:8265";

/// A client cannot be made of what was given: one line says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub(crate) String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// Where and as whom to call.
#[derive(Clone, PartialEq)]
pub(crate) struct Target {
    /// `http://host:port` or `https://host:port`, without more.
    pub(crate) uri: String,
    pub(crate) secure: bool,
    /// What to send as `authorization`; none without a token.
    pub(crate) authorization: Option<HeaderValue>,
}

/// What is given beats the environment; on a loopback address the admin's token file is last.
pub(crate) fn find_target(
    address: Option<&str>,
    token: Option<&str>,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Target, ConfigError> {
    let from_env = env("WINDLASS_ADDRESS").filter(|text| !text.is_empty());
    let (uri, secure, host) = match (address, &from_env) {
        (Some(text), _) => parse_address(text, "address")?,
        (None, Some(text)) => parse_address(text, "WINDLASS_ADDRESS")?,
        (None, None) => parse_address(DEFAULT_ADDRESS, "address")?,
    };
    let token = match token.map(str::to_owned).or_else(|| env("WINDLASS_TOKEN")) {
        Some(token) => token,
        // The admin's token never leaves the machine by itself.
        None if is_loopback(&host) => read_admin_token(&state_dir(env))?,
        None => String::new(),
    };
    Ok(Target { uri, secure, authorization: authorization_of(token.trim())? })
}

fn authorization_of(token: &str) -> Result<Option<HeaderValue>, ConfigError> {
    if token.is_empty() {
        return Ok(None);
    }
    let bad =
        || ConfigError("the token has characters that no token has; give it as `windlass token` printed it".into());
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad());
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| bad())?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// The address without anything beside scheme, host and port; whether TLS is spoken; and the host.
fn parse_address(text: &str, name: &str) -> Result<(String, bool, String), ConfigError> {
    let bad = || ConfigError(format!("{name} {text:?} is not an address; give one like {DEFAULT_ADDRESS}"));
    let uri: Uri = text.parse().map_err(|_| bad())?;
    let authority = uri.authority().ok_or_else(bad)?;
    let secure = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(bad()),
    };
    let host = authority.host();
    let port = match authority.as_str().strip_prefix(host) {
        Some("") => {
            if secure {
                443
            } else {
                80
            }
        }
        // None where there is a user before the host.
        Some(_) => authority.port_u16().ok_or_else(bad)?,
        None => return Err(bad()),
    };
    if host.is_empty() || !matches!(uri.path(), "" | "/") || uri.query().is_some() || text.contains('#') {
        return Err(bad());
    }
    let scheme = if secure { "https" } else { "http" };
    Ok((format!("{scheme}://{host}:{port}"), secure, host.to_owned()))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The folder that a Windlass started without `--state-dir` keeps its state in.
fn state_dir(env: impl Fn(&str) -> Option<String>) -> PathBuf {
    let given = |name: &str| env(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    if let Some(folder) = given("WINDLASS_STATE_DIR") {
        return folder;
    }
    // The XDG rules: a relative path is to be ignored.
    match given("XDG_STATE_HOME").filter(|path| path.is_absolute()) {
        Some(folder) => folder.join("windlass"),
        None => given("HOME").unwrap_or_default().join(".local/state/windlass"),
    }
}

/// The token in a state dir; empty where there is none.
fn read_admin_token(folder: &Path) -> Result<String, ConfigError> {
    let path = folder.join("admin.token");
    match std::fs::read_to_string(&path) {
        Ok(token) => Ok(token),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(String::new()),
        Err(error) => Err(ConfigError(format!("cannot read {} ({error}); set WINDLASS_TOKEN", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.to_string())
        }
    }

    fn token_of(target: &Target) -> String {
        let value = target.authorization.as_ref().map(|value| value.to_str().unwrap());
        value.unwrap_or("none").to_owned()
    }

    #[test]
    fn an_address_says_host_port_and_tls() {
        for (address, uri, secure, loopback) in [
            ("http://127.0.0.1:8265", "http://127.0.0.1:8265", false, true),
            ("http://127.1.2.3:1/", "http://127.1.2.3:1", false, true),
            ("http://localhost", "http://localhost:80", false, true),
            ("http://[::1]:9", "http://[::1]:9", false, true),
            ("https://windlass.example", "https://windlass.example:443", true, false),
            ("https://10.0.0.1:8443", "https://10.0.0.1:8443", true, false),
            ("http://127.0.0.1.example:1", "http://127.0.0.1.example:1", false, false),
        ] {
            let (got, is_secure, host) = parse_address(address, "address").unwrap();
            assert_eq!((got.as_str(), is_secure, is_loopback(&host)), (uri, secure, loopback));
        }
    }

    #[test]
    fn what_is_no_address_is_told_with_an_example() {
        for address in [
            "",
            "127.0.0.1:8265",
            "ftp://h:1",
            "http://",
            "http://h:x",
            "http://h:70000",
            "http://h:",
            "http://h/api",
            "http://u:p@h",
            "http://h?q",
            "http://h#f",
            "http://h :1",
        ] {
            let error = find_target(Some(address), None, env(&[])).map(|target| target.uri).unwrap_err();
            let wanted = format!("address {address:?} is not an address; give one like http://127.0.0.1:8265");
            assert_eq!(error.to_string(), wanted);
        }
    }

    #[test]
    fn the_environment_gives_what_is_not_given() {
        let variables = env(&[("WINDLASS_ADDRESS", "http://a:1"), ("WINDLASS_TOKEN", " secret\n")]);
        let target = find_target(None, None, &variables).ok().unwrap();
        assert_eq!((target.uri.as_str(), token_of(&target).as_str()), ("http://a:1", "Bearer secret"));
        let given = find_target(Some("http://b:2"), Some("other"), &variables).ok().unwrap();
        assert_eq!((given.uri.as_str(), token_of(&given).as_str()), ("http://b:2", "Bearer other"));
        let bad = find_target(None, None, env(&[("WINDLASS_ADDRESS", "nowhere")])).err().unwrap();
        assert!(bad.to_string().starts_with("WINDLASS_ADDRESS "), "{bad}");
        let token = find_target(None, Some("a\nb"), env(&[])).err().unwrap();
        assert!(token.to_string().starts_with("the token has characters"), "{token}");
    }

    #[test]
    fn the_admin_token_is_found_on_loopback_alone_by_the_xdg_rules() {
        let folder = std::env::temp_dir().join(format!("windlass-client-{}", std::process::id()));
        let deep = folder.join("home/.local/state/windlass");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir_all(folder.join("windlass")).unwrap();
        for each in [&folder, &deep, &folder.join("windlass")] {
            std::fs::write(each.join("admin.token"), "admin\n").unwrap();
        }
        let here = folder.to_str().unwrap();
        let home = format!("{here}/home");
        let find = |address: Option<&str>, token: Option<&str>, pairs: &[(&str, &str)]| {
            token_of(&find_target(address, token, env(pairs)).ok().unwrap())
        };
        let given = [("WINDLASS_STATE_DIR", here)];
        assert_eq!(find(None, None, &given), "Bearer admin");
        assert_eq!(find(Some("http://10.0.0.1:8265"), None, &given), "none");
        assert_eq!(find(None, Some(""), &given), "none");
        assert_eq!(find(None, None, &[given[0], ("WINDLASS_TOKEN", "mine")]), "Bearer mine");
        assert_eq!(find(None, None, &[("XDG_STATE_HOME", here)]), "Bearer admin");
        assert_eq!(find(None, None, &[("XDG_STATE_HOME", "relative"), ("HOME", &home)]), "Bearer admin");
        assert_eq!(find(None, None, &[("WINDLASS_STATE_DIR", &home)]), "none");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
