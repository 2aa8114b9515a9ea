//! Conversations written down as text, and how they are run.
//!
//! ```text
//! # a comment
//! !connect game-server from 198.51.100.7      opens a connection; `as A` gives it a name
//! > LOGIN secret                              is sent to the tracker; `A> ` on connection A
//! < CHALLENGE 5f1c9a3e77b04d21                must be the next line from the tracker
//! ~ CHALLENGE fedcba9876543210                is the last datagram that came to its UDP port
//! !tracker require-check                      in the first line: how the tracker is started
//! !advance 15s                                lets time pass (on the pretend clock only)
//! !close                                      the peer stops sending; `!close A`
//! !closed                                     the tracker must have closed; `!closed A`
//! ```
//!
//! Numbers of challenges and revisions differ from run to run: the first time one is met, what is
//! written stands for what came. A line that ends with ` …` need only begin like this. In the end
//! nothing may have come that is not written down.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    GameServer,
    Client,
}

/// What a transcript can be run against. Connections have names.
pub(crate) trait Wire {
    /// `text` as it reads on this wire, where addresses may differ from those written down.
    fn translate(&self, text: &str) -> String;
    fn connect(&mut self, name: &str, port: Port, from: IpAddr);
    fn send(&mut self, name: &str, line: &str);
    fn half_close(&mut self, name: &str);
    /// The next line; `None` when the tracker has closed or has nothing to say.
    fn receive(&mut self, name: &str) -> Option<String>;
    /// The last datagram that came to the UDP port, once there is one.
    fn datagram(&mut self, name: &str) -> Option<String>;
    /// True if the tracker has closed and everything was received.
    fn is_closed(&mut self, name: &str) -> bool;
    /// Lets time pass. `None` where that is not possible.
    fn advance(&mut self, time: Duration) -> Option<()>;
    /// A line that came and was not received, if there is one.
    fn left_over(&mut self, name: &str) -> Option<String>;
}

/// One transcript, with a name for messages.
pub(crate) struct Transcript {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Transcript {
    /// True if it can be run where time cannot be made to pass.
    pub(crate) fn is_timeless(&self) -> bool {
        !self.text.contains("!advance")
    }

    /// True if it wants a tracker that lists only those whose port was proven.
    pub(crate) fn requires_check(&self) -> bool {
        self.text.contains("!tracker require-check")
    }

    /// Runs it; panics with the place and what came instead.
    pub(crate) fn run(&self, wire: &mut impl Wire) {
        let mut run = Run {
            meaning: HashMap::new(),
            names: Vec::new(),
        };
        for (number, line) in self.text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Err(why) = run.step(line, wire) {
                panic!("{}, line {}: {line}\n{why}", self.name, number + 1);
            }
        }
        assert!(!run.names.is_empty(), "{}: nobody connects", self.name);
        for name in &run.names {
            if let Some(line) = wire.left_over(name) {
                panic!("{}: connection '{name}' was sent more: {line}", self.name);
            }
        }
    }
}

struct Run {
    /// What a written number or revision stands for in this run.
    meaning: HashMap<String, String>,
    names: Vec<String>,
}

impl Run {
    fn step(&mut self, line: &str, wire: &mut impl Wire) -> Result<(), String> {
        if let Some(directive) = line.strip_prefix('!') {
            return self.direct(directive, wire);
        }
        let at = line
            .find(['<', '>', '~'])
            .ok_or("neither sent, received nor a directive")?;
        let (name, text) = (
            &line[..at],
            line[at + 1..].strip_prefix(' ').unwrap_or_default(),
        );
        if !self.names.iter().any(|known| known == name) {
            return Err(format!("connection '{name}' was not opened"));
        }
        let written = wire.translate(text);
        if &line[at..=at] == ">" {
            let words: Vec<String> = written
                .split(' ')
                .map(|word| {
                    let (key, value) = split_revision(word).unwrap_or(("", word));
                    let meaning = self.meaning.get(value).map_or(value, String::as_str);
                    format!("{key}{meaning}")
                })
                .collect();
            wire.send(name, &words.join(" "));
            return Ok(());
        }
        let came = match &line[at..=at] {
            "<" => wire.receive(name),
            _ => wire.datagram(name),
        };
        let came = came.ok_or("nothing came")?;
        // A port in a text for people is the same on every wire.
        if self.is_same(&written, &came) || self.is_same(text, &came) {
            Ok(())
        } else {
            Err(format!("came: {came}"))
        }
    }

    fn direct(&mut self, directive: &str, wire: &mut impl Wire) -> Result<(), String> {
        let words: Vec<&str> = directive.split_whitespace().collect();
        let name = *words.get(1).unwrap_or(&"");
        match words[..] {
            ["connect", port, ref options @ ..] => {
                let option = |key: &str| {
                    options
                        .iter()
                        .position(|word| *word == key)
                        .map(|at| options[at + 1])
                };
                let port = match port {
                    "game-server" => Port::GameServer,
                    "client" => Port::Client,
                    _ => return Err("connect game-server or client".to_owned()),
                };
                let from = option("from").unwrap_or("198.51.100.7");
                let name = option("as").unwrap_or_default().to_owned();
                wire.connect(&name, port, from.parse().map_err(|_| "not an address")?);
                self.names.retain(|known| *known != name);
                self.names.push(name);
                Ok(())
            }
            ["advance", time] => {
                let seconds = time.strip_suffix('s').and_then(|n| n.parse().ok());
                let time = Duration::from_secs(seconds.ok_or("write a time as 15s")?);
                wire.advance(time)
                    .ok_or_else(|| "time does not pass here".to_owned())
            }
            ["tracker", "require-check"] => Ok(()),
            ["close"] | ["close", _] => {
                wire.half_close(name);
                Ok(())
            }
            ["closed"] | ["closed", _] if wire.is_closed(name) => Ok(()),
            ["closed"] | ["closed", _] => Err("the connection is open".to_owned()),
            _ => Err("an unknown directive".to_owned()),
        }
    }

    fn is_same(&mut self, written: &str, came: &str) -> bool {
        if let Some(beginning) = written.strip_suffix(" …") {
            return came.starts_with(beginning);
        }
        let (mut written, mut came) = (written.split(' '), came.split(' '));
        loop {
            match (written.next(), came.next()) {
                (None, None) => return true,
                (Some(written), Some(came)) if self.is_same_word(written, came) => {}
                _ => return false,
            }
        }
    }

    fn is_same_word(&mut self, written: &str, came: &str) -> bool {
        let is_number = |word: &str| word.len() == 16 && u64::from_str_radix(word, 16).is_ok();
        let (written, came) = match (split_revision(written), split_revision(came)) {
            (Some((key, written)), Some((same, came))) if key == same => (written, came),
            _ if is_number(written) && is_number(came) => (written, came),
            _ => return written == came,
        };
        let meaning = self.meaning.entry(written.to_owned());
        meaning.or_insert(came.to_owned()) == came
    }
}

/// A word that names a revision, as its key and the revision.
fn split_revision(word: &str) -> Option<(&str, &str)> {
    let at = word.find('=').map(|at| at + 1)?;
    ["rev=", "since="]
        .contains(&&word[..at])
        .then(|| word.split_at(at))
}

/// The blocks of a Markdown text that are fenced as transcripts, written for readers. Who connects
/// stands in a comment above the block, which they do not see: `<!-- run: connect game-server; connect
/// client as client -->`. What happens later stands in parentheses, as in `(15 s later)`, `(closed)`
/// or `(client is closed)`; and a datagram behind `udp<`.
pub(crate) fn from_markdown(file: &str, text: &str) -> Vec<Transcript> {
    let lines: Vec<&str> = text.lines().collect();
    let starts = (1..lines.len()).filter(|&at| lines[at] == "```transcript");
    let transcripts = starts.map(|at| {
        let name = format!("{file}, example after line {}", at + 1);
        let comment = lines[at - 1].strip_prefix("<!-- run: ");
        let run = comment.and_then(|comment| comment.strip_suffix(" -->"));
        let run = run.unwrap_or_else(|| panic!("{name}: no comment says who connects"));
        let block = lines[at + 1..].iter().take_while(|line| **line != "```");
        let run = run.split("; ").map(|directive| format!("!{directive}"));
        let text: Vec<String> = run.chain(block.map(|line| for_runners(line))).collect();
        Transcript {
            name,
            text: text.join("\n"),
        }
    });
    transcripts.collect()
}

/// A line of a document in the form that transcripts have.
fn for_runners(line: &str) -> String {
    if let Some(datagram) = line.strip_prefix("udp<") {
        return format!("~{datagram}");
    }
    let Some(what) = line
        .strip_prefix('(')
        .and_then(|line| line.strip_suffix(')'))
    else {
        return line.to_owned();
    };
    match (
        what.strip_suffix(" s later"),
        what.strip_suffix(" is closed"),
    ) {
        (Some(seconds), _) => format!("!advance {seconds}s"),
        (_, Some(name)) => format!("!closed {name}"),
        _ => format!("!{what}"),
    }
}

/// All transcripts of a folder.
pub(crate) fn from_folder(folder: &str) -> Vec<Transcript> {
    let mut transcripts: Vec<Transcript> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| Transcript {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            text: std::fs::read_to_string(&path).unwrap(),
        })
        .collect();
    transcripts.sort_by(|a, b| a.name.cmp(&b.name));
    transcripts
}
