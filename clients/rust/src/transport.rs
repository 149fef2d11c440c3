//! What generated clients call through: the token, deadlines, retries, and connections that are left when they are dead.

use std::error::Error;
use std::fmt;
use std::future::{ready, Future};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{header, HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::time::{sleep, timeout_at, Instant};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, TimeoutExpired};
use tower_service::Service;

use crate::generated::methods::{SAFE, STREAMING};
use crate::retry::{backoff, random, CALL_ATTEMPTS};

const TIMEOUT: &str = "grpc-timeout";
/// A connection with calls on it that is silent for so long is asked whether it lives …
const PING_AFTER: Duration = Duration::from_secs(3);
/// … and dead without an answer in this time: well below the default deadline, so that a safe call is tried again.
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection to a Windlass, made at the first call and again as needed. Clones share it.
///
/// It is what the generated clients of [`Client`](crate::Client) send by; a failed call is a [`Status`].
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
}

struct Shared {
    endpoint: Endpoint,
    authorization: Option<HeaderValue>,
    /// Of unary calls that are given no deadline; `None` is none.
    timeout: Option<Duration>,
    connection: Mutex<Connection>,
}

#[derive(Clone)]
struct Connection {
    channel: Channel,
    number: u64,
}

/// A whole answer.
type Answer = Response<(Bytes, Option<HeaderMap>)>;

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the token.
        f.debug_tuple("Transport").field(self.shared.endpoint.uri()).finish()
    }
}

impl Transport {
    /// To be called within a tokio runtime.
    pub(crate) fn new(endpoint: Endpoint, authorization: Option<HeaderValue>, timeout: Option<Duration>) -> Self {
        let pinging = endpoint.http2_keep_alive_interval(PING_AFTER).keep_alive_timeout(PING_TIMEOUT);
        Self::of(pinging, authorization, timeout)
    }

    /// One with a connection that is shared with nothing, and not pinged.
    pub(crate) fn alone(endpoint: Endpoint, authorization: Option<HeaderValue>) -> Self {
        Self::of(endpoint, authorization, None)
    }

    fn of(endpoint: Endpoint, authorization: Option<HeaderValue>, timeout: Option<Duration>) -> Self {
        let connection = Mutex::new(Connection { channel: endpoint.connect_lazy(), number: 0 });
        let shared = Shared { endpoint, authorization, timeout, connection };
        Self { shared: Arc::new(shared) }
    }
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // The channel is waited for within the call's deadline.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let shared = self.shared.clone();
        Box::pin(async move {
            if let Some(value) = &shared.authorization {
                request.headers_mut().entry(header::AUTHORIZATION).or_insert_with(|| value.clone());
            }
            if STREAMING.contains(&request.uri().path()) {
                shared.stream(request).await
            } else {
                shared.unary(request).await
            }
        })
    }
}

impl Shared {
    /// The server ends a stream at its deadline; without one it has none.
    async fn stream(&self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let answer = send(self.connection().channel, request).await?;
        Ok(answer.map(|body| Body::new(body.map_err(unavailable_unless_told))))
    }

    /// Tries safe calls again while the server is not available, and keeps the deadline.
    async fn unary(&self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let safe = SAFE.contains(&parts.uri.path());
        let timeout = timeout_of(&parts.headers).or(self.timeout);
        // None too where it is too far away to be told.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut failures = 0;
        loop {
            let outcome = self.attempt(&parts, body.clone(), deadline).await;
            failures += 1;
            if !safe || failures >= CALL_ATTEMPTS || code_of(&outcome) != Some(Code::Unavailable) {
                return outcome.map(response_of);
            }
            let pause = backoff(failures, random());
            if deadline.is_some_and(|deadline| Instant::now() + pause >= deadline) {
                return outcome.map(response_of);
            }
            tracing::debug!(path = parts.uri.path(), ?pause, "not available; trying again");
            sleep(pause).await;
        }
    }

    async fn attempt(&self, parts: &Parts, body: Bytes, deadline: Option<Instant>) -> Result<Answer, Status> {
        let Connection { channel, number } = self.connection();
        let mut request = Request::from_parts(parts.clone(), Body::new(Full::new(body)));
        let Some(deadline) = deadline else {
            request.headers_mut().remove(TIMEOUT);
            return exchange(channel, request).await;
        };
        let left = deadline.saturating_duration_since(Instant::now());
        request.headers_mut().insert(TIMEOUT, timeout_text(left));
        let in_time = timeout_at(deadline, exchange(channel, request)).await;
        let outcome = in_time.unwrap_or_else(|_| Err(Status::deadline_exceeded("the deadline of the call passed")));
        if code_of(&outcome) == Some(Code::DeadlineExceeded) {
            // The server may be slow or the connection dead: the next call does not find out by waiting, too.
            self.leave(number);
        }
        outcome
    }

    fn connection(&self) -> Connection {
        // Whoever panicked with it left it whole.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls under way go on; later ones get a new connection, unless they have one already.
    fn leave(&self, number: u64) {
        let mut present = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if present.number == number {
            *present = Connection { channel: self.endpoint.connect_lazy(), number: number + 1 };
        }
    }
}

async fn exchange(channel: Channel, request: Request<Body>) -> Result<Answer, Status> {
    let (parts, body) = send(channel, request).await?.into_parts();
    let body = body.collect().await.map_err(unavailable_unless_told)?;
    let trailers = body.trailers().cloned();
    Ok(Response::from_parts(parts, (body.to_bytes(), trailers)))
}

async fn send(mut channel: Channel, request: Request<Body>) -> Result<Response<Body>, Status> {
    let failed = |error: tonic::transport::Error| status_of(error);
    std::future::poll_fn(|context| channel.poll_ready(context)).await.map_err(failed)?;
    channel.call(request).await.map_err(failed)
}

fn response_of(answer: Answer) -> Response<Body> {
    answer.map(|(bytes, trailers)| Body::new(Full::new(bytes).with_trailers(ready(trailers.map(Ok)))))
}

/// How a call ended, as far as an answer tells.
fn code_of(outcome: &Result<Answer, Status>) -> Option<Code> {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(status) => return Some(status.code()),
    };
    let trailers = answer.body().1.as_ref();
    let told = trailers.and_then(|trailers| trailers.get(Status::GRPC_STATUS));
    if let Some(code) = told.or_else(|| answer.headers().get(Status::GRPC_STATUS)) {
        return Some(Code::from_bytes(code.as_bytes()));
    }
    // An intermediary's own answer.
    let away = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    away.contains(&answer.status()).then_some(Code::Unavailable)
}

/// A transport that fails is one that is not available, unless it knows better.
fn status_of(error: tonic::transport::Error) -> Status {
    let mut texts: Vec<String> = Vec::new();
    let mut source: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(each) = source {
        if each.is::<TimeoutExpired>() {
            return Status::deadline_exceeded("the deadline of the call passed");
        }
        let text = each.to_string();
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        source = each.source();
    }
    let mut status = Status::unavailable(texts.join(": "));
    status.set_source(Arc::new(error));
    status
}

/// The same of a body that breaks off.
fn unavailable_unless_told(status: Status) -> Status {
    match status.code() {
        Code::Unknown | Code::Cancelled | Code::Internal => {
            let mut unavailable = Status::unavailable(format!("the connection broke off: {}", status.message()));
            unavailable.set_source(Arc::new(status));
            unavailable
        }
        _ => status,
    }
}

/// What a caller set by `Request::set_timeout`.
fn timeout_of(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count.saturating_mul(3600))),
        "M" => Some(Duration::from_secs(count.saturating_mul(60))),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// As gRPC wants it: at most eight digits and a unit.
fn timeout_text(timeout: Duration) -> HeaderValue {
    let (count, unit) = match timeout.as_millis() {
        millis @ ..=99_999_999 => (millis.max(1), 'm'),
        millis => ((millis / 3_600_000).min(99_999_999), 'H'),
    };
    // Digits and a letter.
    HeaderValue::try_from(format!("{count}{unit}")).unwrap_or_else(|_| HeaderValue::from_static("1m"))
}

#[cfg(test)]
mod tests;
