//! The lab's server, and what a watch of its application told.

use std::error::Error;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, Instant};
use windlass_client::v1::{Application, Deployment, GetApplicationRequest};
use windlass_client::{tonic::Status, Client, Event};

/// How a case went.
pub type Verdict = Result<(), Box<dyn Error + Send + Sync>>;
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

pub const FEED: &str = "applications/feed/deployments/Waiter";
pub const STILL: &str = "applications/plain/deployments/Still";

pub fn expect(what: bool, why: impl Into<String>) -> Verdict {
    if what {
        Ok(())
    } else {
        Err(why.into().into())
    }
}

pub fn one_line(error: &dyn Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asks the lab: `POST /cut`.
pub async fn ask(what: &str) -> Outcome<Reply> {
    let address = std::env::var("WINDLASS_LAB")?;
    let host = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await?;
    // The answer of this version is not cut into chunks.
    stream.write_all(format!("{what} HTTP/1.0\r\nhost: {host}\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the lab did not answer")?;
    expect(head.contains(" 200 "), format!("{what} was answered: {answer}"))?;
    Ok(Reply(body.to_owned()))
}

/// A JSON object of numbers.
pub struct Reply(String);

impl Reply {
    pub fn number(&self, name: &str) -> Outcome<i64> {
        let (_, rest) = self.0.split_once(&format!("\"{name}\":")).ok_or(format!("no {name} in {}", self.0))?;
        let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
        Ok(digits.parse()?)
    }
}

pub async fn watchers() -> Outcome<i64> {
    ask("GET /state").await?.number("watchers")
}

pub async fn get_application(client: &Client, name: &str) -> Result<Application, Status> {
    let request = GetApplicationRequest { name: name.into() };
    let answer = client.applications().get_application(request).await?;
    answer.into_inner().application.ok_or_else(|| Status::internal("no application"))
}

/// Tries until it is so, for at most so many seconds.
pub async fn until<F: std::future::Future<Output = Outcome<bool>>>(
    done: impl Fn() -> F,
    why: &str,
    seconds: u64,
) -> Verdict {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !done().await? {
        expect(Instant::now() < deadline, why)?;
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// What a watch of `feed`'s deployments told: the reasons of its targets, and whether all came in order.
#[derive(Default)]
pub struct Story {
    pub reasons: Vec<String>,
    pub kinds: Vec<&'static str>,
    revision: i64,
}

impl Story {
    pub fn take(&mut self, event: Event<Deployment>) -> Verdict {
        let revision = event.revision();
        let back = format!("revision {revision} came after {}", self.revision);
        expect(matches!(event, Event::Reset { .. }) || revision >= self.revision, back)?;
        self.revision = revision;
        self.kinds.push(kind_of(&event));
        match event {
            Event::Updated { name, resource, .. } => {
                expect(name == FEED && resource.name == FEED, format!("an event about {name}"))?;
                if self.reasons.last() != Some(&resource.target_reason) {
                    self.reasons.push(resource.target_reason);
                }
                Ok(())
            }
            Event::Deleted { name, .. } => Err(format!("{name} was not deleted").into()),
            Event::Reset { .. } | Event::Synced { .. } => Ok(()),
        }
    }

    pub fn has(&self, number: i64) -> bool {
        self.reasons.last() == Some(&format!("write {number}"))
    }

    pub fn resets(&self) -> usize {
        self.kinds.iter().filter(|kind| **kind == "Reset").count()
    }

    /// Each write from the first to the last once, in order, after whatever was before them.
    pub fn expect_writes(&self, first: i64, last: i64) -> Verdict {
        let wanted: Vec<String> = (first..=last).map(|number| format!("write {number}")).collect();
        let told = format!("got {:?}, wanted {wanted:?}", self.reasons);
        expect(self.reasons.ends_with(&wanted) && self.reasons.len() <= wanted.len() + 1, told)
    }
}

pub fn kind_of<T>(event: &Event<T>) -> &'static str {
    match event {
        Event::Reset { .. } => "Reset",
        Event::Updated { .. } => "Updated",
        Event::Deleted { .. } => "Deleted",
        Event::Synced { .. } => "Synced",
    }
}
