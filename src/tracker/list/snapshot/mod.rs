//! The list as it is at one moment, kept in the form in which it is sent.

mod columns;

mod leaf;

mod tree;

pub use tree::List;
