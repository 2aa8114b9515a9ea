//! Web browsers that come by, and curl.
//!
//! This file hides how one is known by its first line, and what is sent for the person before it to
//! read. The connection is closed all the same: a web page must not get a second line.

/// Goes before the ERR line, which a browser would not show otherwise. It is shown as text, whatever the
/// page that made the browser come here takes it for. The LF of its last line is put behind it.
pub const HEAD: &str = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\
                        X-Content-Type-Options: nosniff\r\n\r";

/// The text of the ERR line.
pub const TEXT: &str = "this is a tracker of game servers and not a web server: its list is shown by \
                        'gltracker browse HOST' and 'gltracker list HOST', and as a web page only \
                        where its operator has put one";

/// True for the first line of a request, such as `GET / HTTP/1.1`.
pub fn is_request(line: &str) -> bool {
    let version = line.trim_end_matches(' ').rsplit_once(' ');
    version.is_some_and(|(_, version)| version.starts_with("HTTP/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_known_by_its_version() {
        for line in ["GET / HTTP/1.1", "POST /a%20b HTTP/1.0 ", "PRI * HTTP/2.0"] {
            assert!(is_request(line), "{line}");
        }
        for line in ["", "GET /", "HTTP/1.1", "HTTP/1.1 200 OK", "GET / http/1.1"] {
            assert!(!is_request(line), "{line}");
        }
    }

    #[test]
    fn the_head_is_lines_of_http_and_a_blank_one() {
        let head = format!("{HEAD}\n");
        assert!(head.starts_with("HTTP/1.0 400 ") && head.ends_with("\r\n\r\n"));
        assert!(head.split_terminator('\n').all(|line| line.ends_with('\r')));
    }
}
