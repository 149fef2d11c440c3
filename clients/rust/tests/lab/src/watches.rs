//! The cases of the watch helper.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use windlass_client::prost_types;
use windlass_client::tonic::{Code, Request};
use windlass_client::v1::{
    DeleteApplicationRequest, Deployment, GetApplicationRequest, WatchApplicationsRequest, WatchDeploymentsRequest,
};
use windlass_client::{reason_of, Client, Event, Watch};

use crate::calls::NAME;
use crate::lab::{ask, expect, get_application, kind_of, until, watchers, Outcome, Story, Verdict};

fn feed() -> WatchDeploymentsRequest {
    WatchDeploymentsRequest { parent: "applications/feed".into(), ..Default::default() }
}

async fn next(watch: &mut Watch<Deployment>) -> Outcome<Event<Deployment>> {
    Ok(watch.next().await.ok_or("the watch ended")??)
}

/// Reads until `done`, at least one event.
async fn read(watch: &mut Watch<Deployment>, story: &mut Story, done: impl Fn(&Story) -> bool) -> Verdict {
    loop {
        story.take(next(watch).await?)?;
        if done(story) {
            return Ok(());
        }
    }
}

fn synced(story: &Story) -> bool {
    story.kinds.last() == Some(&"Synced")
}

pub async fn changes(client: &Client) -> Verdict {
    let mut story = Story::default();
    let mut watch = client.watch(feed());
    read(&mut watch, &mut story, synced).await?;
    expect(story.kinds == ["Reset", "Updated", "Synced"], format!("{:?}", story.kinds))?;
    let written = ask("POST /write?count=3").await?;
    let last = written.number("last")?;
    read(&mut watch, &mut story, |story| story.has(last)).await?;
    story.expect_writes(written.number("first")?, last)
}

pub async fn over_cuts(client: &Client) -> Verdict {
    let mut story = Story::default();
    let mut watch = client.watch(feed());
    read(&mut watch, &mut story, synced).await?;
    let told_before = story.reasons.len();
    let writes = ask("POST /write?count=60&pause_ms=20");
    let cuts = async {
        for _ in 0..3 {
            sleep(Duration::from_millis(400)).await;
            ask("POST /cut").await?;
        }
        Ok(())
    };
    let reads = read(&mut watch, &mut story, |story| story.reasons.len() == told_before + 60);
    let (written, (), ()) = tokio::try_join!(writes, cuts, reads)?;
    story.expect_writes(written.number("first")?, written.number("last")?)?;
    expect(story.resets() == 1, format!("{:?}", story.kinds))
}

pub async fn begins_anew(client: &Client) -> Verdict {
    let mut story = Story::default();
    let mut watch = client.watch(feed());
    read(&mut watch, &mut story, synced).await?;
    for what in ["POST /admit?how=refuse", "POST /cut", "POST /compact", "POST /admit?how=forward"] {
        ask(what).await?;
    }
    let mut anew = Vec::new();
    while anew.last() != Some(&"Synced") {
        anew.push(kind_of(&next(&mut watch).await?));
    }
    expect(anew == ["Reset", "Updated", "Synced"], format!("{anew:?}"))?;
    let number = ask("POST /write?count=1").await?.number("last")?;
    let event = next(&mut watch).await?;
    let told = matches!(&event, Event::Updated { resource, .. } if resource.target_reason == format!("write {number}"));
    expect(told, format!("{event:?}"))
}

pub async fn half_open(client: &Client) -> Verdict {
    let mut story = Story::default();
    let interval = prost_types::Duration { seconds: 0, nanos: 300_000_000 };
    let mut watch = client.watch(WatchDeploymentsRequest { progress_interval: Some(interval), ..feed() });
    read(&mut watch, &mut story, synced).await?;
    get_application(client, "applications/feed").await?;
    ask("POST /freeze").await?;
    let began = Instant::now();
    let number = ask("POST /write?count=1").await?.number("last")?;
    read(&mut watch, &mut story, |story| story.has(number)).await?;
    expect(began.elapsed() < Duration::from_secs(10), format!("took {:?}", began.elapsed()))?;
    expect(story.resets() == 1, format!("{:?}", story.kinds))?;
    // The connection of the other calls was frozen too: it is left within the deadline of a call.
    get_application(client, "applications/feed").await?;
    Ok(())
}

pub async fn leaves(client: &Client) -> Verdict {
    let before = watchers().await?;
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let tasks = alive();
    let mut watch = client.watch(feed());
    expect(kind_of(&next(&mut watch).await?) == "Reset", "no reset")?;
    expect(watchers().await? == before + 1, "is not watched")?;
    let task = tokio::spawn(async move { while watch.next().await.is_some() {} });
    sleep(Duration::from_millis(200)).await;
    task.abort();
    until(|| async { Ok(watchers().await? <= before) }, "still watched", 5).await?;
    until(|| async { Ok(alive() <= tasks) }, "tasks are left", 5).await
}

pub async fn deletes(client: &Client) -> Verdict {
    let request = DeleteApplicationRequest { name: NAME.into(), ..Default::default() };
    client.applications().delete_application(request).await?;
    let mut watch = client.watch(WatchApplicationsRequest { names: vec![NAME.into()], ..Default::default() });
    let (mut there, mut complete) = (false, false);
    while there || !complete {
        match watch.next().await.ok_or("the watch ended")?? {
            Event::Reset { .. } | Event::Deleted { .. } => there = false,
            Event::Updated { .. } => there = true,
            Event::Synced { .. } => complete = true,
        }
    }
    let request = Request::new(GetApplicationRequest { name: NAME.into() });
    match client.applications().get_application(request).await {
        Err(status) if status.code() == Code::NotFound => {
            expect(reason_of(&status).as_deref() == Some("NOT_FOUND"), format!("{status}"))
        }
        other => Err(format!("is still there: {other:?}").into()),
    }
}
