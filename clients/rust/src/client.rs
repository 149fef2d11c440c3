use std::time::Duration;

use tonic::transport::Endpoint;

use crate::feeds::WatchRequest;
use crate::target::{find_target, ConfigError, Target};
use crate::transport::Transport;
use crate::v1::application_service_client::ApplicationServiceClient;
use crate::v1::deployment_service_client::DeploymentServiceClient;
use crate::v1::instance_service_client::InstanceServiceClient;
use crate::v1::token_service_client::TokenServiceClient;
use crate::v1::Application;
use crate::wait::{wait_until_running, WaitError};
use crate::watch::Watch;

const USER_AGENT: &str = concat!("windlass-client-rust/", env!("CARGO_PKG_VERSION"));
const TIMEOUT: Duration = Duration::from_secs(10);
/// Well below the default deadline of a call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// A connection to a Windlass. Clones share it; nothing is sent before the first call.
///
/// A call has 10 s unless its request says ([`tonic::Request::set_timeout`]), a watch has no deadline. Calls without side
/// effects are tried again while the server is not available; others never are.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
    /// For watches, each of whose attempts has a connection of its own.
    endpoint: Endpoint,
    authorization: Option<http::HeaderValue>,
}

/// Makes a [`Client`] of explicit values; the environment gives what is not given.
#[derive(Clone, Default)]
#[must_use]
pub struct ClientBuilder {
    address: Option<String>,
    token: Option<String>,
    /// `None` within is no deadline.
    timeout: Option<Option<Duration>>,
    root_certificates: Option<Vec<u8>>,
}

impl ClientBuilder {
    /// `http://host:port` or `https://host:port`. Default: `WINDLASS_ADDRESS`, else `http://127.0.0.1:8265`.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Default: `WINDLASS_TOKEN`, else on a loopback address the admin's token in the state dir; empty is none.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The deadline of a call that is given none; watches have none. Default: 10 s; `None` is no deadline.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = Some(timeout.into());
        self
    }

    /// PEM: trusted instead of the roots of the system. For `https://` addresses only.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// To be called within a tokio runtime.
    pub fn build(self) -> Result<Client, ConfigError> {
        let env = |name: &str| std::env::var(name).ok();
        let target = find_target(self.address.as_deref(), self.token.as_deref(), env)?;
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(ConfigError("a client must be made within a tokio runtime".into()));
        }
        let endpoint = endpoint_of(&target, self.root_certificates)?;
        let authorization = target.authorization;
        let timeout = self.timeout.unwrap_or(Some(TIMEOUT));
        Ok(Client {
            transport: Transport::new(endpoint.clone(), authorization.clone(), timeout),
            endpoint,
            authorization,
        })
    }
}

impl Client {
    /// A client of `WINDLASS_ADDRESS` and `WINDLASS_TOKEN`, or of this machine: see [`ClientBuilder`].
    ///
    /// To be called within a tokio runtime.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::builder().build()
    }

    /// A client of explicit values.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Reads, writes, deletes and rolls back applications.
    pub fn applications(&self) -> ApplicationServiceClient<Transport> {
        // What the server lets in and sends is bounded by the server.
        ApplicationServiceClient::new(self.transport.clone()).max_decoding_message_size(usize::MAX)
    }

    /// Reads and scales deployments.
    pub fn deployments(&self) -> DeploymentServiceClient<Transport> {
        DeploymentServiceClient::new(self.transport.clone()).max_decoding_message_size(usize::MAX)
    }

    /// The instance as a whole.
    pub fn instance(&self) -> InstanceServiceClient<Transport> {
        InstanceServiceClient::new(self.transport.clone()).max_decoding_message_size(usize::MAX)
    }

    /// Bearer tokens.
    pub fn tokens(&self) -> TokenServiceClient<Transport> {
        TokenServiceClient::new(self.transport.clone()).max_decoding_message_size(usize::MAX)
    }

    /// Watches what the request names, across cut connections. Nothing is sent before the first event is asked for.
    pub fn watch<R: WatchRequest>(&self, request: R) -> Watch<R::Resource> {
        let (endpoint, authorization) = (self.endpoint.clone(), self.authorization.clone());
        Watch::new(request, move || Transport::alone(endpoint.clone(), authorization.clone()))
    }

    /// Waits until an application runs as it was last written; `application` is its name as its config has it.
    pub async fn wait_until_running(&self, application: &str, timeout: Duration) -> Result<Application, WaitError> {
        wait_until_running(self, application, timeout).await
    }
}

fn endpoint_of(target: &Target, root_certificates: Option<Vec<u8>>) -> Result<Endpoint, ConfigError> {
    let bad = |error: tonic::transport::Error| ConfigError(format!("{} cannot be called: {error}", target.uri));
    // `Endpoint::new` would decide on TLS by itself.
    let endpoint = Endpoint::from_shared(target.uri.clone()).and_then(|endpoint| endpoint.user_agent(USER_AGENT));
    let endpoint = endpoint.map_err(bad)?.connect_timeout(CONNECT_TIMEOUT);
    if target.secure {
        return secured(endpoint, root_certificates);
    }
    if root_certificates.is_some() {
        return Err(ConfigError("root_certificates are for https:// addresses only".into()));
    }
    Ok(endpoint)
}

#[cfg(feature = "tls")]
fn secured(endpoint: Endpoint, root_certificates: Option<Vec<u8>>) -> Result<Endpoint, ConfigError> {
    use tonic::transport::{Certificate, ClientTlsConfig};
    let config = match root_certificates {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    let bad = |error| ConfigError(format!("TLS cannot be set up: {error}"));
    endpoint.tls_config(config).map_err(bad)
}

#[cfg(not(feature = "tls"))]
fn secured(_: Endpoint, _: Option<Vec<u8>>) -> Result<Endpoint, ConfigError> {
    let text = "https:// needs the feature `tls` of windlass-client, which was left out";
    Err(ConfigError(text.into()))
}
