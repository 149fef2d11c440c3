//! When an application counts as running.

use std::fmt;
use std::time::Duration;

use tokio::time::{timeout_at, Instant};
use tonic::Status;

use crate::client::Client;
use crate::event::Event;
use crate::names::application_name;
use crate::v1::application::State;
use crate::v1::{Application, WatchApplicationsRequest};

/// Why waiting for an application ended without it running.
#[derive(Clone, Debug)]
pub enum WaitError {
    /// It failed to deploy, as it is; or it was deleted, and is `None`.
    Failed {
        /// One line.
        message: String,
        /// As it is.
        application: Option<Box<Application>>,
    },
    /// It took too long; one line says where the application stands, which goes on.
    TimedOut(String),
    /// It could not be watched.
    Call(Box<Status>),
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitError::Failed { message, .. } | WaitError::TimedOut(message) => f.write_str(message),
            WaitError::Call(status) => status.fmt(f),
        }
    }
}

impl std::error::Error for WaitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            WaitError::Call(status) => Some(status),
            _ => None,
        }
    }
}

pub(crate) async fn wait_until_running(
    client: &Client,
    application: &str,
    timeout: Duration,
) -> Result<Application, WaitError> {
    let mut waiting = Waiting::new(application_name(application));
    let mut watch = client.watch(WatchApplicationsRequest { names: vec![waiting.name.clone()], ..Default::default() });
    // One that is too far away to be told is none.
    let Some(deadline) = Instant::now().checked_add(timeout) else {
        return waiting.follow(&mut watch).await;
    };
    let in_time = timeout_at(deadline, waiting.follow(&mut watch)).await;
    in_time.unwrap_or_else(|_| Err(WaitError::TimedOut(waiting.timed_out(timeout, watch.failure()))))
}

/// What a wait for one application knows.
struct Waiting {
    name: String,
    application: Option<Application>,
    synced: bool,
}

impl Waiting {
    fn new(name: String) -> Self {
        Self { name, application: None, synced: false }
    }

    async fn follow(&mut self, watch: &mut crate::Watch<Application>) -> Result<Application, WaitError> {
        loop {
            // A watch ends with an error alone.
            let ended = || Err(Status::cancelled("the watch ended"));
            let event = watch.next().await.unwrap_or_else(ended);
            let event = event.map_err(|status| WaitError::Call(Box::new(status)))?;
            if let Some(running) = self.take(event)? {
                return Ok(running);
            }
        }
    }

    /// Takes an event; returns the application once it runs as it was last written.
    fn take(&mut self, event: Event<Application>) -> Result<Option<Application>, WaitError> {
        match event {
            Event::Reset { .. } => (self.application, self.synced) = (None, false),
            Event::Updated { resource, .. } => self.application = Some(resource),
            Event::Deleted { .. } => self.application = None,
            Event::Synced { .. } => self.synced = true,
        }
        if self.synced {
            self.verdict()
        } else {
            Ok(None)
        }
    }

    fn verdict(&self) -> Result<Option<Application>, WaitError> {
        let Some(application) = &self.application else {
            let message = format!("{} is not there: it was deleted meanwhile", self.name);
            return Err(WaitError::Failed { message, application: None });
        };
        // An older generation's outcome says nothing about what was written last.
        if application.observed_generation < application.generation {
            return Ok(None);
        }
        match application.state() {
            State::DeployFailed => {
                let why = Some(application.message.as_str()).filter(|why| !why.is_empty());
                Err(WaitError::Failed {
                    message: format!("{} failed to deploy: {}", self.name, why.unwrap_or("no reason given")),
                    application: Some(Box::new(application.clone())),
                })
            }
            State::Running if !application.reconciling => Ok(Some(application.clone())),
            _ => Ok(None),
        }
    }

    /// What to say of a wait that took too long; `failure` is why the watch is cut, if it is.
    fn timed_out(&self, timeout: Duration, failure: Option<String>) -> String {
        let cut = failure.map_or(String::new(), |failure| format!("; the watch is cut: {failure}"));
        let Some(application) = &self.application else {
            return format!("no news of {} after {timeout:?}{cut}", self.name);
        };
        let why = match application.message.as_str() {
            "" => String::new(),
            message => format!(" ({message})"),
        };
        let state = application.state().as_str_name();
        format!("{} does not run after {timeout:?}: {state}{why}; it goes on{cut}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn updated(state: State, generation: i64, observed_generation: i64) -> Event<Application> {
        let mut application = Application {
            name: "applications/shop".into(),
            generation,
            observed_generation,
            message: "why".into(),
            ..Default::default()
        };
        application.set_state(state);
        Event::Updated { revision: 1, name: application.name.clone(), resource: application }
    }

    fn waiting() -> Waiting {
        Waiting::new("applications/shop".into())
    }

    const RESET: Event<Application> = Event::Reset { revision: 1 };
    const SYNCED: Event<Application> = Event::Synced { revision: 1 };

    #[test]
    fn it_runs_once_the_state_of_what_was_written_last_is_running() {
        let mut waiting = waiting();
        assert_eq!(
            waiting.timed_out(Duration::from_secs(2), Some("gone".into())),
            "no news of applications/shop after 2s; the watch is cut: gone"
        );
        for (event, runs) in [
            (RESET, false),
            (updated(State::Running, 1, 1), false),
            (SYNCED, true),
            (updated(State::Running, 2, 1), false),
            (updated(State::DeployFailed, 2, 1), false),
            (updated(State::Deploying, 2, 2), false),
            (updated(State::Running, 2, 2), true),
            (RESET, false),
            (updated(State::Running, 2, 2), false),
            (SYNCED, true),
        ] {
            assert_eq!(waiting.take(event.clone()).unwrap().is_some(), runs, "{event:?}");
        }
        waiting.take(updated(State::Deploying, 3, 3)).unwrap();
        let text = waiting.timed_out(Duration::from_millis(2500), None);
        let wanted = "applications/shop does not run after 2.5s: STATE_DEPLOYING (why); it goes on";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_failure_and_a_deletion_are_errors() {
        let mut waiting = waiting();
        waiting.take(updated(State::DeployFailed, 1, 1)).unwrap();
        let failed = waiting.take(SYNCED).unwrap_err();
        assert_eq!(failed.to_string(), "applications/shop failed to deploy: why");
        let gone = waiting.take(Event::Deleted { revision: 2, name: "applications/shop".into() });
        assert!(matches!(gone, Err(WaitError::Failed { application: None, .. })));
    }
}
