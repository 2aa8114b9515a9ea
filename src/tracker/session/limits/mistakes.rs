//! How many mistakes a peer may make.

use crate::protocol::refusal::{ErrorCode, HTTP_HEAD, NOT_A_WEB_SERVER, Refusal};
use crate::tracker::session::outbox::Outbox;

/// How many mistakes a proven peer may make on one connection.
pub const MAX_MISTAKES: u32 = 20;

/// Counts the mistakes of a peer. Some are forgiven once it has proven that it speaks the protocol, and
/// none before: a web page that drives a browser here must not get a second line.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    proven: bool,
    made: u32,
}

impl Mistakes {
    /// Those of a peer that is proven already.
    pub(crate) fn of_proven() -> Self {
        Self {
            proven: true,
            made: 0,
        }
    }

    /// The peer has shown that it speaks the protocol.
    pub(crate) fn prove(&mut self) {
        self.proven = true;
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.proven
    }

    /// Tells the peer what was wrong, and ends the session unless that is forgiven.
    pub(crate) fn answer(&mut self, refusal: Refusal, out: &mut Outbox) {
        self.made += 1;
        if !self.proven {
            if refusal.text == NOT_A_WEB_SERVER {
                out.line(HTTP_HEAD);
            }
            out.refuse(refusal);
        } else if self.made > MAX_MISTAKES {
            out.line(&refusal);
            let text = format!("{MAX_MISTAKES} mistakes are forgiven, this was one more");
            out.refuse(Refusal::new(ErrorCode::TooMany, text));
        } else {
            out.line(refusal);
        }
    }
}
