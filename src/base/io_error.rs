//! I/O errors in words for a person.

use std::io::{self, ErrorKind};

/// How std begins the text of an error for a name that was not found.
const LOOK_UP: &str = "failed to lookup address information: ";

/// The text of an error without its number, which says nothing to most people.
pub(crate) fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// Why a host could not be reached.
pub(crate) fn unreached(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "it does not answer".to_owned(),
        _ => match in_words(error).strip_prefix(LOOK_UP) {
            Some(why) => format!("the name was not found: {why}"),
            None => in_words(error),
        },
    }
}

/// True if the other side has hung up. What it has said before can still be read.
pub(crate) fn is_hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    )
}

/// True if the host's name was not found.
pub(crate) fn is_unknown_name(error: &io::Error) -> bool {
    error.to_string().starts_with(LOOK_UP)
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
        assert_eq!(unreached(&refused), "nobody listens there");
        let no_route = io::Error::from_raw_os_error(113);
        assert_eq!(unreached(&no_route), "No route to host");
    }

    #[test]
    fn a_name_that_is_not_found_is_told_from_a_host_that_does_not_answer() {
        let unknown = io::Error::other(format!("{LOOK_UP}Name or service not known"));
        assert!(is_unknown_name(&unknown));
        assert_eq!(
            unreached(&unknown),
            "the name was not found: Name or service not known"
        );
        let late = io::Error::from(ErrorKind::TimedOut);
        assert!(!is_unknown_name(&late));
        assert_eq!(unreached(&late), "it does not answer");
    }
}
