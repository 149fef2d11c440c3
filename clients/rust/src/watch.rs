//! A watch that goes on across cut connections.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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
    progress: Arc<Mutex<Progress>>,
}

/// How far a watch has come.
#[derive(Default)]
struct Progress {
    resume_revision: i64,
    /// What the last attempt ended with; none once one has brought something.
    failure: Option<String>,
}

impl<T: Send + 'static> Watch<T> {
    pub(crate) fn new<R>(request: R, connect: impl Fn() -> Transport + Send + 'static) -> Self
    where
        R: WatchRequest<Resource = T>,
    {
        let progress = Arc::new(Mutex::new(Progress { resume_revision: request.start_revision(), failure: None }));
        let reader = Reader {
            silence: silence(request.progress_interval()),
            position: Position::new(request.start_revision()),
            request,
            connect,
            messages: None,
            told: VecDeque::new(),
            failures: 0,
            ended: false,
            progress: progress.clone(),
        };
        let events = stream::unfold(reader, |mut reader| async move {
            let item = reader.next().await;
            item.map(|item| (item, reader))
        });
        Self { events: Box::pin(events), progress }
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
        locked(&self.progress).resume_revision
    }

    /// What the last attempt ended with, as one line: where it does not tell anything, why.
    ///
    /// `None` before the first failure, and once an attempt after it has brought something.
    pub fn failure(&self) -> Option<String> {
        locked(&self.progress).failure.clone()
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
    progress: Arc<Mutex<Progress>>,
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
                locked(&self.progress).resume_revision = 0;
                continue;
            }
            if is_final(why.code()) {
                self.ended = true;
                return Some(Err(why));
            }
            self.failures = self.failures.saturating_add(1);
            let pause = backoff(self.failures, random());
            locked(&self.progress).failure = Some(one_line(&why));
            tracing::info!(why = one_line(&why), ?pause, "the watch was cut; trying again");
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
                let opening = self.request.clone().open(self.position.resume_revision(), (self.connect)());
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
        *locked(&self.progress) = Progress { resume_revision: self.position.resume_revision(), failure: None };
        Ok(())
    }
}

fn locked(progress: &Mutex<Progress>) -> std::sync::MutexGuard<'_, Progress> {
    // Whoever panicked with it left it whole.
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

fn one_line(status: &Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let silent = |_| Err(Status::unavailable(format!("nothing was heard for {limit:?}")));
    timeout(limit, work).await.unwrap_or_else(silent)
}
