//! A pipeline, and what each of its replies will be about.

use crate::tracker::sharing::wire::names::TrackerId;
use crate::tracker::sharing::wire::resp::{Pipeline, Reply};

/// What a reply is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// It says no more than that the command was obeyed.
    Done,
    /// The line that says whose keys these are.
    Format,
    /// Who shares the list.
    Trackers,
    /// This tracker's own sign of life, as it was before it was renewed.
    OwnLife,
    /// Whether somebody wants this tracker's list written anew.
    Mend,
    /// A sign of life of another tracker.
    Life(TrackerId),
    /// The whole list of another tracker.
    List(TrackerId),
    /// What has changed on the lists of others.
    Changes,
}

/// Commands on their way.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) pipeline: Pipeline,
    about: Vec<About>,
}

impl Plan {
    pub(super) fn push<W: AsRef<[u8]>>(&mut self, about: About, words: &[W]) {
        let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
        self.pipeline.push(&words);
        self.about.push(about);
    }

    /// The replies, each with what it is about. None of them is an error.
    pub(super) fn read(self, replies: Vec<Reply>) -> impl Iterator<Item = (About, Reply)> {
        self.about.into_iter().zip(replies)
    }
}
