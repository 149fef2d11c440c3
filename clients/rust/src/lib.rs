//! Deploys, scales and watches applications on Windlass.
//!
//! ```no_run
//! use windlass_client::v1::GetInstanceRequest;
//! use windlass_client::Client;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::from_env()?;
//! let answer = client.instance().get_instance(GetInstanceRequest::default()).await?;
//! println!("{:?}", answer.into_inner().instance);
//! # Ok(())
//! # }
//! ```
//!
//! [`Client`] has a method for each service of the API, which gives tonic's generated client. What the client adds: the
//! bearer token, a deadline for each call, retries of calls that only read, [`Client::watch`] and
//! [`Client::wait_until_running`], and what Windlass says of an error ([`reason_of`], [`violations_of`]).

mod client;
#[cfg(feature = "documents")]
mod documents;
mod errors;
mod event;
mod feeds;
#[allow(missing_docs, unreachable_pub, clippy::all)]
#[path = "gen/mod.rs"]
mod generated;
mod names;
mod position;
mod retry;
mod target;
mod transport;
mod wait;
mod watch;

pub use client::{Client, ClientBuilder};
#[cfg(feature = "documents")]
pub use documents::{application_config, deploy_config, DocumentError};
pub use errors::{metadata_of, reason_of, violations_of, Violation};
pub use event::Event;
pub use feeds::{Resource, WatchRequest};
pub use generated::windlass::config::v1 as config_v1;
pub use generated::windlass::v1;
pub use names::{application_name, deployment_name};
pub use target::ConfigError;
pub use transport::Transport;
pub use wait::WaitError;
pub use watch::Watch;

pub use prost;
pub use prost_types;
#[cfg(feature = "documents")]
pub use serde_json;
pub use tonic;
