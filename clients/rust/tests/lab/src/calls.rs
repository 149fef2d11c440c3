//! The cases of single calls.

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

use windlass_client::config_v1::{ApplicationConfig, DeploymentConfig};
use windlass_client::prost_types::Value;
use windlass_client::tonic::{Code, Request, Status};
use windlass_client::v1::{
    application, instance, replica, CreateTokenRequest, GetApplicationRequest, GetApplicationTokenRequest,
    GetInstanceRequest, ListApplicationsRequest, ListDeploymentsRequest, ListTokensRequest, Role,
    ScaleDeploymentRequest, UpdateApplicationRequest, WatchDeploymentsRequest, WatchInstanceRequest,
    WatchReplicasRequest, WatchScalingDecisionsRequest,
};
use windlass_client::{deployment_name, reason_of, violations_of, Client, Event, Resource, Watch};

use crate::lab::{ask, expect, get_application, Outcome, Verdict, FEED, STILL};

const APPLICATION: &str = "client-rust";
pub const NAME: &str = "applications/client-rust";

fn echo() -> String {
    deployment_name(APPLICATION, "Echo")
}

fn update_request() -> Outcome<UpdateApplicationRequest> {
    let echo = DeploymentConfig {
        name: "Echo".into(),
        num_replicas: Some(Value::from(1.0)),
        max_ongoing_requests: Some(5),
        ..Default::default()
    };
    let config = ApplicationConfig {
        import_path: "./app.ts:app".into(),
        route_prefix: Some(format!("/{APPLICATION}")),
        external_scaler_enabled: Some(true),
        deployments: vec![echo],
        ..Default::default()
    };
    Ok(UpdateApplicationRequest {
        name: NAME.into(),
        config: Some(config),
        allow_missing: true,
        base_dir: std::env::var("WINDLASS_LAB_DIR")?,
        ..Default::default()
    })
}

fn scale_request(name: &str) -> ScaleDeploymentRequest {
    ScaleDeploymentRequest { name: name.into(), target_num_replicas: Some(2), ..Default::default() }
}

async fn refused<T: Debug>(
    call: impl Future<Output = Result<T, Status>>,
    code: Code,
    reason: Option<&str>,
) -> Outcome<Status> {
    match call.await {
        Ok(answer) => Err(format!("was not refused with {reason:?}: {answer:?}").into()),
        Err(status) => {
            let got = (status.code(), reason_of(&status));
            let wanted = (code, reason.map(str::to_owned));
            expect(got == wanted, format!("got {got:?}: {status}"))?;
            Ok(status)
        }
    }
}

async fn scaler(client: &Client) -> Outcome<Client> {
    let request = GetApplicationTokenRequest { name: NAME.into() };
    let secret = client.tokens().get_application_token(request).await?.into_inner().secret;
    Ok(Client::builder().token(secret).build()?)
}

pub async fn from_environment(client: &Client) -> Verdict {
    let answer = client.instance().get_instance(GetInstanceRequest::default()).await?.into_inner();
    let state = answer.instance.map(|instance| instance.state());
    expect(state == Some(instance::State::Running), format!("{state:?}"))?;
    let stranger = Client::builder().address(std::env::var("WINDLASS_ADDRESS")?).token("").build()?;
    let call = async { stranger.instance().get_instance(GetInstanceRequest::default()).await };
    refused(call, Code::Unauthenticated, Some("UNAUTHENTICATED")).await.map(drop)
}

pub async fn deploys(client: &Client) -> Verdict {
    let answer = client.applications().update_application(update_request()?).await?.into_inner();
    expect(answer.revision > 0, format!("{answer:?}"))?;
    let running = client.wait_until_running(APPLICATION, Duration::from_secs(60)).await?;
    let well = running.state() == application::State::Running && running.external_scaler_enabled;
    expect(well, format!("{running:?}"))
}

pub async fn reads(client: &Client) -> Verdict {
    let application = get_application(client, NAME).await?;
    expect(application.deployments == ["Echo"], format!("{application:?}"))?;
    let request = ListApplicationsRequest::default();
    let listed = client.applications().list_applications(request).await?.into_inner().applications;
    for name in [NAME, "applications/feed", "applications/plain"] {
        expect(listed.iter().any(|each| each.name == name), format!("{name} is not in {listed:?}"))?;
    }
    let request = ListDeploymentsRequest { parent: NAME.into(), ..Default::default() };
    let listed = client.deployments().list_deployments(request).await?.into_inner().deployments;
    let targets: Vec<u32> = listed.iter().map(|each| each.target_num_replicas).collect();
    expect(targets == [1], format!("{listed:?}"))?;
    let replicas = snapshot(client.watch(WatchReplicasRequest { parent: echo(), ..Default::default() })).await?;
    let states: Vec<replica::State> = replicas.iter().map(|(_, replica)| replica.state()).collect();
    expect(states == [replica::State::Running], format!("{replicas:?}"))?;
    let all = snapshot(client.watch(WatchInstanceRequest::default())).await?;
    let instance = |(name, each): &(String, Resource)| name == "instance" && matches!(each, Resource::Instance(_));
    let deployment = |(name, each): &(String, Resource)| *name == echo() && matches!(each, Resource::Deployment(_));
    expect(all.iter().any(instance) && all.iter().any(deployment), format!("{all:?}"))?;
    // Nothing here is autoscaled.
    let request = WatchScalingDecisionsRequest { name: "applications/-".into(), ..Default::default() };
    let decisions = snapshot(client.watch(request)).await?;
    expect(decisions.is_empty(), format!("{decisions:?}"))
}

/// What there is when a watch begins.
async fn snapshot<T>(mut watch: Watch<T>) -> Outcome<Vec<(String, T)>> {
    let mut there = Vec::new();
    loop {
        match watch.next().await.ok_or("the watch ended")?? {
            Event::Updated { name, resource, .. } => there.push((name, resource)),
            Event::Synced { .. } => return Ok(there),
            Event::Reset { .. } | Event::Deleted { .. } => {}
        }
    }
}

pub async fn scales(client: &Client) -> Verdict {
    let request = ScaleDeploymentRequest { reason: "a test".into(), ..scale_request(&echo()) };
    let answer = scaler(client).await?.deployments().scale_deployment(request).await?.into_inner();
    let targets = (answer.previous_target_num_replicas, answer.effective_target_num_replicas);
    let reason = answer.deployment.as_ref().map(|deployment| deployment.target_reason.as_str());
    expect(targets == (1, 2) && reason == Some("a test"), format!("{answer:?}"))
}

pub async fn unauthenticated(_: &Client) -> Verdict {
    let stranger = Client::builder().token("nobody").build()?;
    let call = async { stranger.instance().get_instance(GetInstanceRequest::default()).await };
    refused(call, Code::Unauthenticated, Some("UNAUTHENTICATED")).await?;
    // A watch gives up at once, and has ended then.
    let mut watch = stranger.watch(WatchInstanceRequest::default());
    let first = async { watch.next().await.unwrap_or_else(|| Err(Status::internal("no item"))) };
    refused(first, Code::Unauthenticated, Some("UNAUTHENTICATED")).await?;
    expect(watch.next().await.is_none(), "goes on after an error")
}

pub async fn permission_denied(client: &Client) -> Verdict {
    let second = scaler(client).await?;
    let request = update_request()?;
    let call = async { second.applications().update_application(request).await };
    refused(call, Code::PermissionDenied, Some("PERMISSION_DENIED")).await.map(drop)
}

pub async fn not_found(client: &Client) -> Verdict {
    let error = refused(get_application(client, "applications/nope"), Code::NotFound, Some("NOT_FOUND")).await?;
    expect(error.message().contains("nope"), error.message())
}

pub async fn invalid_config(client: &Client) -> Verdict {
    let mut request = update_request()?;
    for deployment in request.config.iter_mut().flat_map(|config| &mut config.deployments) {
        deployment.max_ongoing_requests = Some(0);
        deployment.graceful_shutdown_timeout_s = Some(-1.0);
    }
    let call = async { client.applications().update_application(request).await };
    let error = refused(call, Code::InvalidArgument, Some("INVALID_CONFIG")).await?;
    let violations = violations_of(&error);
    let mut fields: Vec<&str> = violations.iter().filter_map(|each| each.field.rsplit('.').next()).collect();
    fields.sort_unstable();
    let told = fields == ["graceful_shutdown_timeout_s", "max_ongoing_requests"]
        && violations.iter().all(|each| !each.description.is_empty());
    expect(told, format!("{violations:?}"))
}

pub async fn scaler_disabled(client: &Client) -> Verdict {
    let call = async { client.deployments().scale_deployment(scale_request(STILL)).await };
    refused(call, Code::FailedPrecondition, Some("EXTERNAL_SCALER_DISABLED")).await.map(drop)
}

pub async fn stale_etag(client: &Client) -> Verdict {
    let request = ScaleDeploymentRequest { etag: "nope".into(), ..scale_request(FEED) };
    let call = async { client.deployments().scale_deployment(request).await };
    refused(call, Code::Aborted, Some("STALE_ETAG")).await.map(drop)
}

pub async fn history_compacted(client: &Client) -> Verdict {
    ask("POST /compact").await?;
    let request =
        WatchDeploymentsRequest { parent: "applications/feed".into(), start_revision: 1, ..Default::default() };
    let call = async { client.deployments().watch_deployments(request).await?.into_inner().message().await };
    refused(call, Code::OutOfRange, Some("HISTORY_COMPACTED")).await.map(drop)
}

pub async fn deadline(client: &Client) -> Verdict {
    ask("POST /admit?how=hang").await?;
    ask("POST /cut").await?;
    let began = Instant::now();
    let mut request = Request::new(GetApplicationRequest { name: "applications/feed".into() });
    request.set_timeout(Duration::from_millis(500));
    let call = async { client.applications().get_application(request).await };
    refused(call, Code::DeadlineExceeded, None).await?;
    expect(began.elapsed() < Duration::from_secs(5), format!("took {:?}", began.elapsed()))?;
    ask("POST /admit?how=forward").await?;
    let began = Instant::now();
    get_application(client, "applications/feed").await?;
    expect(began.elapsed() < Duration::from_secs(5), format!("again took {:?}", began.elapsed()))
}

pub async fn safe_again(client: &Client) -> Verdict {
    get_application(client, "applications/feed").await?;
    ask("POST /cut").await?;
    ask("POST /fail-next?count=1").await?;
    get_application(client, "applications/feed").await?;
    Ok(())
}

pub async fn write_once(client: &Client) -> Verdict {
    let before = client.tokens().list_tokens(ListTokensRequest::default()).await?.into_inner().tokens;
    ask("POST /admit?how=refuse").await?;
    ask("POST /cut").await?;
    let request = CreateTokenRequest { role: Role::Viewer.into(), ..Default::default() };
    let call = async { client.tokens().create_token(request).await };
    refused(call, Code::Unavailable, None).await?;
    ask("POST /admit?how=forward").await?;
    let after = client.tokens().list_tokens(ListTokensRequest::default()).await?.into_inner().tokens;
    expect(after == before, format!("{after:?}"))
}
