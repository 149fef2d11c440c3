//! A watch that goes on across cut connections.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_util::stream;
use tokio::time::{sleep, timeout};
use tonic::{Code, Status, Streaming};

use crate::event::Event;
use crate::feeds::{silence, WatchRequest};
use crate::position::Position;
use crate::retry::{backoff, is_final, random};
use crate::transport::Transport;

/// The first message of an attempt may take this long in any case: a connection is made before it.
const CONNECT: Duration = Duration::from_secs(5);

/// The events of a watch: a [`Stream`], or a loop over [`Watch::next`].
///
/// It connects again when the connection is cut or silent, waiting from 0.1 s to 5 s between attempts, without a gap or a
/// repeat. Where the history to continue from is gone it tells [`Event::Reset`] and the present state. What trying again
/// cannot mend is its last item, an error: an unknown token, a missing permission, a request that breaks a rule.
///
/// Dropping it ends it. It works while it is polled: what is not read stays at the server.
#[must_use = "a watch does nothing unless it is read"]
pub struct Watch<T> {
    events: Pin<Box<dyn Stream<Item = Result<Event<T>, Status>> + Send>>,
    resume_revision: Arc<AtomicI64>,
}

impl<T: Send + 'static> Watch<T> {
    pub(crate) fn new<R>(request: R, connect: impl Fn() -> Transport + Send + 'static) -> Self
    where
        R: WatchRequest<Resource = T>,
    {
        let resume_revision = Arc::new(AtomicI64::new(request.start_revision()));
        let reader = Reader {
            silence: silence(request.progress_interval()),
            position: Position::new(request.start_revision()),
            request,
            connect,
            messages: None,
            told: VecDeque::new(),
            failures: 0,
            ended: false,
        };
        let resume = resume_revision.clone();
        let events = stream::unfold(reader, move |mut reader| {
            let resume = resume.clone();
            async move {
                let item = reader.next().await;
                resume.store(reader.position.resume_revision(), Ordering::Relaxed);
                item.map(|item| (item, reader))
            }
        });
        Self {
            events: Box::pin(events),
            resume_revision,
        }
    }
}

impl<T> Watch<T> {
    /// The next event; `None` after an error. Nothing is lost where the future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Result<Event<T>, Status>> {
        std::future::poll_fn(|context| self.events.as_mut().poll_next(context)).await
    }

    /// The `start_revision` for a watch that shall go on after what this one told; 0 before [`Event::Synced`].
    ///
    /// Events of later revisions that were told already come again then.
    pub fn resume_revision(&self) -> i64 {
        self.resume_revision.load(Ordering::Relaxed)
    }
}

impl<T> Stream for Watch<T> {
    type Item = Result<Event<T>, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(context)
    }
}

struct Reader<R: WatchRequest, C> {
    request: R,
    connect: C,
    /// The connection is dead after so long without a message.
    silence: Duration,
    position: Position,
    /// Of the attempt under way.
    messages: Option<Streaming<R::Response>>,
    /// News that was not handed on yet.
    told: VecDeque<Event<R::Resource>>,
    /// Attempts in a row that brought nothing.
    failures: u32,
    ended: bool,
}

impl<R: WatchRequest, C: Fn() -> Transport> Reader<R, C> {
    async fn next(&mut self) -> Option<Result<Event<R::Resource>, Status>> {
        loop {
            if let Some(event) = self.told.pop_front() {
                return Some(Ok(event));
            }
            if self.ended {
                return None;
            }
            let why = match self.receive().await {
                Ok(()) => continue,
                Err(status) => status,
            };
            self.messages = None;
            let since = self.position.resume_revision();
            if why.code() == Code::OutOfRange && since != 0 {
                tracing::info!(since, "the history to continue from is gone: beginning anew");
                self.position = Position::new(0);
                continue;
            }
            if is_final(why.code()) {
                self.ended = true;
                return Some(Err(why));
            }
            self.failures = self.failures.saturating_add(1);
            let pause = backoff(self.failures, random());
            tracing::info!(%why, ?pause, "the watch was cut; trying again");
            sleep(pause).await;
        }
    }

    /// Takes one message, on a new connection where there is none.
    async fn receive(&mut self) -> Result<(), Status> {
        let (mut messages, limit) = match self.messages.take() {
            Some(messages) => (messages, self.silence),
            None => {
                self.position.begin();
                let limit = self.silence.max(CONNECT);
                let opening = self
                    .request
                    .clone()
                    .open(self.position.resume_revision(), (self.connect)());
                (within(limit, opening).await?, limit)
            }
        };
        let Some(message) = within(limit, messages.message()).await? else {
            return Err(Status::unavailable("the server ended the stream"));
        };
        self.messages = Some(messages);
        self.failures = 0;
        let told = &mut self.told;
        self.position.advance(R::read(message), |event| told.push_back(event));
        Ok(())
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let silent = |_| Err(Status::unavailable(format!("nothing was heard for {limit:?}")));
    timeout(limit, work).await.unwrap_or_else(silent)
}
