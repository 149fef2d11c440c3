/// What a [`Watch`](crate::Watch) tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<T> {
    /// Forget what you knew: the present state follows. First, and again where the history to go on from is gone.
    Reset {
        /// The store revision.
        revision: i64,
    },
    /// A resource is there, as it is now.
    Updated {
        /// The store revision that made it so.
        revision: i64,
        /// The resource name; `instance` for the instance itself, a deployment's for a scaling decision.
        name: String,
        /// The resource.
        resource: T,
    },
    /// A resource is no more.
    Deleted {
        /// The store revision that made it so.
        revision: i64,
        /// The resource name.
        name: String,
    },
    /// The present state is complete; changes follow.
    Synced {
        /// The store revision of the present state.
        revision: i64,
    },
}

impl<T> Event<T> {
    /// The store revision; it never goes back but at a [`Event::Reset`].
    pub fn revision(&self) -> i64 {
        match self {
            Event::Reset { revision }
            | Event::Updated { revision, .. }
            | Event::Deleted { revision, .. }
            | Event::Synced { revision } => *revision,
        }
    }
}
