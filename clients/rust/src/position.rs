//! Where a reader of a feed stands, so that a cut stream is continued without a gap and without a repeat. Pure.

use std::collections::HashMap;

use crate::event::Event;

/// One message of a feed.
#[derive(Clone, Debug)]
pub struct Message<T> {
    pub(crate) revision: i64,
    pub(crate) told: Told<T>,
}

/// What a message says.
#[derive(Clone, Debug)]
pub(crate) enum Told<T> {
    Updated(String, T),
    Deleted(String),
    Synced,
    Progress,
}

/// Where a reader of a feed stands.
pub(crate) enum Position {
    /// Before `synced`: no revision is complete, and a cut begins at 0 again.
    Snapshot {
        reset_told: bool,
    },
    Live(Live),
}

/// After `synced`.
#[derive(Default)]
pub(crate) struct Live {
    /// The last revision that arrived whole.
    complete: i64,
    /// The revision of the last message.
    current: i64,
    /// How often each name of `current` was handed on: one revision may bring several decisions on one deployment.
    seen: HashMap<String, u32>,
    /// How often each came in this attempt.
    again: HashMap<String, u32>,
}

impl Position {
    /// Begins with the present state at `start_revision` 0, else after that revision.
    pub(crate) fn new(start_revision: i64) -> Self {
        if start_revision == 0 {
            return Position::Snapshot { reset_told: false };
        }
        Position::Live(Live { complete: start_revision, current: start_revision, ..Live::default() })
    }

    /// The `start_revision` to continue with.
    pub(crate) fn resume_revision(&self) -> i64 {
        match self {
            Position::Snapshot { .. } => 0,
            Position::Live(live) => live.complete,
        }
    }

    /// To be called before each attempt.
    pub(crate) fn begin(&mut self) {
        match self {
            Position::Snapshot { reset_told } => *reset_told = false,
            Position::Live(live) => live.again.clear(),
        }
    }

    /// Takes a message; hands what of it is news to `tell`.
    pub(crate) fn advance<T>(&mut self, message: Message<T>, mut tell: impl FnMut(Event<T>)) {
        let revision = message.revision;
        match self {
            Position::Live(live) => {
                if let Some(event) = live.advance(message) {
                    tell(event);
                }
            }
            Position::Snapshot { reset_told } => {
                let Some(event) = event_of(message) else {
                    return;
                };
                if !*reset_told {
                    *reset_told = true;
                    tell(Event::Reset { revision });
                }
                if matches!(event, Event::Synced { .. }) {
                    *self = Position::Live(Live { complete: revision, current: revision, ..Live::default() });
                }
                tell(event);
            }
        }
    }
}

impl Live {
    fn advance<T>(&mut self, message: Message<T>) -> Option<Event<T>> {
        let revision = message.revision;
        if revision > self.current {
            self.complete = self.current;
            self.current = revision;
            self.forget_names();
        }
        let name = match &message.told {
            Told::Updated(name, _) | Told::Deleted(name) => name,
            Told::Synced | Told::Progress => {
                // A watch that is resumed is first told the revision it was resumed from: that completes nothing.
                if revision == self.current {
                    self.complete = revision;
                    self.forget_names();
                }
                return None;
            }
        };
        if revision <= self.complete {
            return None;
        }
        let again = self.again.entry(name.clone()).or_default();
        *again += 1;
        let seen = self.seen.entry(name.clone()).or_default();
        if *again <= *seen {
            return None;
        }
        *seen = *again;
        event_of(message)
    }

    fn forget_names(&mut self) {
        self.seen.clear();
        self.again.clear();
    }
}

fn event_of<T>(Message { revision, told }: Message<T>) -> Option<Event<T>> {
    match told {
        Told::Updated(name, resource) => Some(Event::Updated { revision, name, resource }),
        Told::Deleted(name) => Some(Event::Deleted { revision, name }),
        Told::Synced => Some(Event::Synced { revision }),
        Told::Progress => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Attempt<'a> = &'a [(i64, &'a str)];

    fn message(revision: i64, text: &str) -> Message<()> {
        let told = match text {
            "progress" => Told::Progress,
            "synced" => Told::Synced,
            _ => match text.strip_prefix('-') {
                Some(name) => Told::Deleted(name.into()),
                None => Told::Updated(text.into(), ()),
            },
        };
        Message { revision, told }
    }

    fn text_of(event: &Event<()>) -> String {
        let revision = event.revision();
        match event {
            Event::Reset { .. } => format!("{revision} reset"),
            Event::Updated { name, .. } => format!("{revision} {name}"),
            Event::Deleted { name, .. } => format!("{revision} -{name}"),
            Event::Synced { .. } => format!("{revision} synced"),
        }
    }

    /// What attempts hand on in all, and where each and the next one resume.
    fn run(position: &mut Position, attempts: &[Attempt]) -> (Vec<String>, Vec<i64>) {
        let mut news = Vec::new();
        let mut starts = Vec::new();
        for attempt in attempts {
            starts.push(position.resume_revision());
            position.begin();
            for (revision, text) in *attempt {
                position.advance(message(*revision, text), |event| news.push(text_of(&event)));
            }
        }
        starts.push(position.resume_revision());
        (news, starts)
    }

    #[track_caller]
    fn check(since: i64, attempts: &[Attempt], news: &[&str], starts: &[i64]) {
        let got = run(&mut Position::new(since), attempts);
        assert_eq!(got, (news.iter().map(|each| each.to_string()).collect(), starts.to_vec()));
    }

    const SNAPSHOT: Attempt = &[(5, "a"), (5, "b"), (5, "synced")];
    const SNAPSHOT_NEWS: &[&str] = &["5 reset", "5 a", "5 b", "5 synced"];

    #[test]
    fn a_snapshot_is_complete_at_synced() {
        check(0, &[SNAPSHOT], SNAPSHOT_NEWS, &[0, 5]);
        check(0, &[&[(5, "synced")]], &["5 reset", "5 synced"], &[0, 5]);
    }

    #[test]
    fn a_snapshot_that_was_cut_begins_anew_and_says_so_once_it_comes() {
        check(
            0,
            &[&[(5, "a")], &[], &[(6, "progress"), (6, "b"), (6, "synced")]],
            &["5 reset", "5 a", "6 reset", "6 b", "6 synced"],
            &[0, 0, 0, 6],
        );
    }

    #[test]
    fn a_later_revision_or_progress_completes_one() {
        check(3, &[&[(4, "a"), (5, "a")]], &["4 a", "5 a"], &[3, 4]);
        check(3, &[&[(4, "a"), (4, "progress")]], &["4 a"], &[3, 4]);
        check(3, &[&[(9, "progress")]], &[], &[3, 9]);
    }

    #[test]
    fn the_rest_of_a_revision_that_was_cut_comes_and_what_was_seen_of_it_does_not() {
        check(
            3,
            &[&[(4, "a")], &[(3, "progress"), (4, "a"), (4, "b"), (5, "-a")]],
            &["4 a", "4 b", "5 -a"],
            &[3, 3, 4],
        );
        let again: Attempt = &[(3, "progress"), (4, "a")];
        check(3, &[&[(4, "a")], again, &[(3, "progress"), (4, "a"), (4, "b")]], &["4 a", "4 b"], &[3, 3, 3, 3]);
    }

    #[test]
    fn one_revision_may_tell_of_a_name_more_than_once() {
        check(
            3,
            &[&[(4, "a"), (4, "a")], &[(3, "progress"), (4, "a"), (4, "a"), (4, "a"), (5, "progress")]],
            &["4 a", "4 a", "4 a"],
            &[3, 3, 5],
        );
    }

    #[test]
    fn what_was_complete_comes_no_second_time() {
        check(7, &[&[(6, "a"), (7, "a"), (8, "a")]], &["8 a"], &[7, 7]);
    }

    #[test]
    fn a_reader_resumes_after_its_snapshot() {
        check(
            0,
            &[SNAPSHOT, &[(5, "synced"), (6, "a"), (6, "progress")]],
            &["5 reset", "5 a", "5 b", "5 synced", "6 a"],
            &[0, 5, 6],
        );
    }
}
