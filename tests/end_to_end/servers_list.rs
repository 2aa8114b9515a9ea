//! `scripts/examples/javascript/servers-list.mjs`: what a web page of one's own makes of servers.json.
//!
//! This file hides how the web server is pretended.

use crate::harness::accept;
use crate::patience::PATIENCE;
use crate::tools::{Program, need};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;

/// Looks every 20 ms and prints what a page would show, or why that may be old.
const PAGE: &str = "import { followServers } from './servers-list.mjs';
    followServers(process.argv[1], servers => console.log(JSON.stringify(servers)),
        error => console.log('old: ' + error.message), 0.02);";

/// The list of a tracker that was last heard at 08:00:00.
fn list(revision: &str, servers: &str) -> String {
    let written = "2026-11-30T08:00:00.000Z";
    format!("{{\"written\":\"{written}\",\"revision\":\"{revision}\",\"servers\":[{servers}]}}")
}

/// Takes one question for the list, which names `known` if the page has one, and answers it.
fn answer(listener: &TcpListener, known: Option<&str>, time: &str, status: &str, body: &str) {
    let stream = accept(listener);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        if line.trim_end().is_empty() {
            break;
        }
        head.push(line.trim_end().to_ascii_lowercase());
    }
    assert_eq!(head[0], "get /servers.json http/1.1");
    let said = head
        .iter()
        .find_map(|line| line.strip_prefix("if-none-match: "));
    assert_eq!(said, known, "{head:?}");
    let answer = format!(
        "HTTP/1.1 {status}\r\nDate: Mon, 30 Nov 2026 {time} GMT\r\nETag: \"{}\"\r\n\
            Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len(),
        body.len()
    );
    stream.get_mut().write_all(answer.as_bytes()).unwrap();
}

#[test]
fn a_page_is_sent_the_list_only_when_it_has_changed() {
    if !need("node") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut node = Command::new("node");
    node.current_dir(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/scripts/examples/javascript"
    ));
    node.args(["--input-type=module", "--eval", PAGE]);
    node.arg(format!(
        "http://{}/servers.json",
        listener.local_addr().unwrap()
    ));
    let page = Program::start(node);

    let first = list("a-1", "");
    answer(&listener, None, "08:00:01", "200 OK", &first);
    let known = format!("\"{}\"", first.len());
    answer(&listener, Some(&known), "08:00:06", "304 Not Modified", "");
    let second = list(
        "a-2",
        "{\"addresses\":[\"192.0.2.1:1\"],\"info\":{\"ip\":\"192.0.2.1\"}}",
    );
    answer(&listener, Some(&known), "08:00:11", "200 OK", &second);
    let known = format!("\"{}\"", second.len());
    // Nothing was written for minutes: the tracker is gone. Then it is back, with the same list.
    answer(&listener, Some(&known), "08:05:00", "304 Not Modified", "");
    answer(&listener, Some(&known), "08:00:30", "304 Not Modified", "");
    // The web server fails.
    answer(&listener, Some(&known), "08:00:40", "502 Bad Gateway", "");
    page.output.wait_for("502 Bad Gateway");
    let shown = "[{\"ip\":\"192.0.2.1\"}]";
    assert_eq!(
        page.output
            .text()
            .replace(&format!("http://{}", listener.local_addr().unwrap()), ""),
        format!(
            "[]\n{shown}\nold: nothing was heard of the tracker since 2026-11-30T08:00:00.000Z\n\
                {shown}\nold: /servers.json: 502 Bad Gateway\n"
        )
    );
}
