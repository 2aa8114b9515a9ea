//! What one tracker says of others.

mod any_history;
mod world;

use super::*;
use crate::protocol::fields::{Changes, Infos};
use crate::tracker::sharing::wire::record::Mark;
