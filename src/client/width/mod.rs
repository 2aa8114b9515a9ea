//! How many columns of a terminal a text takes, and how it is made to fit.

mod characters;

mod text;

pub use text::{cut, cut_start, is_blank, pad, pad_left, plain, width, wrap};
