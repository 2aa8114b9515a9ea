//! What clients ask for. In reading order: `question` is what they say, `answer` what they are told, and the
//! `shelf` keeps answers ready.

pub(super) mod question;

mod answer;

mod shelf;

pub use answer::Answer;
pub(super) use question::Question;
pub(super) use shelf::Shelf;
