//! Which part of the list a client asks for.

use super::filter::Filter;
use crate::protocol::argument::{self, Argument, Operator};
use crate::protocol::refusal::{ErrorCode, Refusal};
use crate::protocol::revision::Revision;

/// Which part of the list a client asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The revision that the client has; `None` if it has none, or names one that no tracker can have
    /// written.
    pub since: Option<Revision>,
    /// What it wants to see.
    pub filter: Filter,
}

impl Request {
    /// Reads `[since=<rev>] [condition …]`. A revision that no tracker can have written is not a mistake:
    /// the whole list answers it.
    ///
    /// # Errors
    /// As [`Filter::parse`]; `bad-syntax` for a second `since=`.
    pub(crate) fn parse(arguments: &str) -> Result<Self, Refusal> {
        let mut request = Self::default();
        let mut is_since_said = false;
        let mut rest = arguments;
        while let Some(argument) = argument::next_argument(&mut rest)? {
            match &argument {
                Argument::Pair("since", Operator::Is, _) if is_since_said => {
                    let text = "since is given twice";
                    return Err(Refusal::new(ErrorCode::BadSyntax, text));
                }
                Argument::Pair("since", Operator::Is, revision) => {
                    is_since_said = true;
                    request.since = revision.parse().ok();
                }
                condition => request.filter.add(condition)?,
            }
        }
        Ok(request)
    }
}
