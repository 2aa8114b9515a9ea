//! Whom a bridge lists survives its restart. In reading order: `format` is what the file looks like, and
//! pure; `keeper` says when it is read and written.

mod format;

mod keeper;

pub(super) use keeper::StateFile;
