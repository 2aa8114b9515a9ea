//! How an error of the system is said to a person.

use std::io;

/// The system's words for it, without its number, which says nothing to most.
pub(crate) fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn numbers_are_left_out() {
        let refused = io::Error::from_raw_os_error(111);
        assert_eq!(in_words(&refused), "Connection refused");
        assert_eq!(in_words(&io::Error::other("a (b)")), "a (b)");
    }
}
