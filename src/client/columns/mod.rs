//! The columns of a list, and the orders that they give.
//!
//! In reading order: `fields` says which fields of game servers have a column, `collation` compares texts
//! as people do, and `sort` names what a list can be sorted by. All are pure.

mod fields;

mod collation;

mod sort;

pub(crate) use collation::{Collated, folded};
pub(crate) use fields::ADDRESS;
pub use fields::{Columns, Field};
pub use sort::Sort;
