//! The watches of the API, and how their messages become events.

use std::future::Future;
use std::time::Duration;

use tonic::{Status, Streaming};

use crate::position::{Message, Told};
use crate::transport::Transport;
use crate::v1::deployment_service_client::DeploymentServiceClient;
use crate::v1::{
    application_service_client::ApplicationServiceClient, instance_service_client::InstanceServiceClient,
    watch_applications_response, watch_deployments_response, watch_instance_response, watch_replicas_response,
    Application, Deployment, Instance, Replica, ScalingDecision, WatchApplicationsRequest, WatchApplicationsResponse,
    WatchDeploymentsRequest, WatchDeploymentsResponse, WatchInstanceRequest, WatchInstanceResponse,
    WatchReplicasRequest, WatchReplicasResponse, WatchScalingDecisionsRequest, WatchScalingDecisionsResponse,
};

/// How long the server stays silent at most, unless the request says; also the most that may be asked for.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(20);
/// So many of those are a dead connection.
const SILENCES: u32 = 3;

/// What a watch of the whole instance tells about.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum Resource {
    /// The instance itself.
    Instance(Instance),
    /// An application.
    Application(Application),
    /// A deployment.
    Deployment(Deployment),
    /// A replica.
    Replica(Replica),
}

mod sealed {
    pub trait Sealed {}
}

/// A request that [`Client::watch`](crate::Client::watch) takes.
pub trait WatchRequest: sealed::Sealed + Clone + Send + 'static {
    /// What the watch tells about.
    type Resource: Send + 'static;
    #[doc(hidden)]
    type Response: Send + 'static;

    #[doc(hidden)]
    fn start_revision(&self) -> i64;
    #[doc(hidden)]
    fn progress_interval(&self) -> Option<prost_types::Duration>;
    #[doc(hidden)]
    fn open(
        self,
        start_revision: i64,
        transport: Transport,
    ) -> impl Future<Output = Result<Streaming<Self::Response>, Status>> + Send;
    #[doc(hidden)]
    fn read(response: Self::Response) -> Message<Self::Resource>;
}

/// After how long without a message a connection is dead.
pub(crate) fn silence(progress_interval: Option<prost_types::Duration>) -> Duration {
    // The server refuses what is outside.
    let asked = progress_interval.and_then(|interval| Duration::try_from(interval).ok());
    asked.unwrap_or(PROGRESS_INTERVAL).min(PROGRESS_INTERVAL) * SILENCES
}

macro_rules! feed {
    ($request:ident, $response:ident, $resource:ty, $client:ident.$method:ident, $read:expr) => {
        impl sealed::Sealed for $request {}

        impl WatchRequest for $request {
            type Resource = $resource;
            type Response = $response;

            fn start_revision(&self) -> i64 {
                self.start_revision
            }

            fn progress_interval(&self) -> Option<prost_types::Duration> {
                self.progress_interval
            }

            async fn open(self, start_revision: i64, transport: Transport) -> Result<Streaming<$response>, Status> {
                let request = $request { start_revision, ..self };
                // What the server sends is bounded by the server.
                let mut client = $client::new(transport).max_decoding_message_size(usize::MAX);
                Ok(client.$method(request).await?.into_inner())
            }

            fn read(response: $response) -> Message<$resource> {
                let revision = response.revision;
                let told = $read(response);
                Message { revision, told }
            }
        }
    };
}

macro_rules! event {
    ($module:ident) => {
        |response| match response {
            None => Told::Progress,
            Some($module::Event::Updated(resource)) => Told::Updated(resource.name.clone(), resource),
            Some($module::Event::Deleted(name)) => Told::Deleted(name),
            Some($module::Event::Synced(_)) => Told::Synced,
        }
    };
}

feed!(
    WatchApplicationsRequest,
    WatchApplicationsResponse,
    Application,
    ApplicationServiceClient.watch_applications,
    |response: WatchApplicationsResponse| event!(watch_applications_response)(response.event)
);
feed!(
    WatchDeploymentsRequest,
    WatchDeploymentsResponse,
    Deployment,
    DeploymentServiceClient.watch_deployments,
    |response: WatchDeploymentsResponse| event!(watch_deployments_response)(response.event)
);
feed!(
    WatchReplicasRequest,
    WatchReplicasResponse,
    Replica,
    DeploymentServiceClient.watch_replicas,
    |response: WatchReplicasResponse| event!(watch_replicas_response)(response.event)
);
feed!(
    WatchScalingDecisionsRequest,
    WatchScalingDecisionsResponse,
    ScalingDecision,
    DeploymentServiceClient.watch_scaling_decisions,
    read_decision
);
feed!(WatchInstanceRequest, WatchInstanceResponse, Resource, InstanceServiceClient.watch_instance, read_instance);

fn read_decision(response: WatchScalingDecisionsResponse) -> Told<ScalingDecision> {
    match response.decision {
        Some(decision) => Told::Updated(response.name, decision),
        None if !response.deleted.is_empty() => Told::Deleted(response.deleted),
        None if response.synced => Told::Synced,
        None => Told::Progress,
    }
}

fn read_instance(response: WatchInstanceResponse) -> Told<Resource> {
    use watch_instance_response::Event;
    match response.event {
        None => Told::Progress,
        Some(Event::Instance(each)) => Told::Updated("instance".into(), Resource::Instance(each)),
        Some(Event::Application(each)) => Told::Updated(each.name.clone(), Resource::Application(each)),
        Some(Event::Deployment(each)) => Told::Updated(each.name.clone(), Resource::Deployment(each)),
        Some(Event::Replica(each)) => Told::Updated(each.name.clone(), Resource::Replica(each)),
        Some(Event::Deleted(name)) => Told::Deleted(name),
        Some(Event::Synced(_)) => Told::Synced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_silent_intervals_are_a_dead_connection() {
        let of = |seconds, nanos| silence(Some(prost_types::Duration { seconds, nanos })).as_millis();
        assert_eq!(silence(None).as_secs(), 60);
        assert_eq!((of(0, 300_000_000), of(20, 0)), (900, 60_000));
        // The server refuses these.
        assert_eq!((of(-1, 0), of(i64::MAX, 0)), (60_000, 60_000));
    }

    #[test]
    fn decisions_are_events_of_their_deployment() {
        let told = |response| format!("{:?}", WatchScalingDecisionsRequest::read(response).told);
        let decision = WatchScalingDecisionsResponse {
            decision: Some(ScalingDecision::default()),
            name: "d".into(),
            ..Default::default()
        };
        assert!(told(decision).starts_with("Updated(\"d\", ScalingDecision"));
        let deleted = WatchScalingDecisionsResponse { deleted: "d".into(), ..Default::default() };
        assert_eq!(told(deleted), "Deleted(\"d\")");
        let synced = WatchScalingDecisionsResponse { synced: true, ..Default::default() };
        assert_eq!(told(synced), "Synced");
        assert_eq!(told(WatchScalingDecisionsResponse::default()), "Progress");
    }
}
