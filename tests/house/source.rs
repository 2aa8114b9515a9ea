//! What one source file declares and names, read from its text.
//!
//! This file hides how much of Rust's grammar that takes: comments, texts and what is there for tests
//! only are passed over, `use` trees are spelled out, and other paths are found where they begin with
//! `crate`, `super` or `self`.

/// What a file declares and names.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// `mod name;` in their order.
    pub(crate) children: Vec<String>,
    /// Paths as they are written, each with the modules in braces that it stands in.
    pub(crate) paths: Vec<(Vec<String>, Vec<String>)>,
    /// `pub use`: the name that others find here, and the path that it stands for.
    pub(crate) exports: Vec<(String, Vec<String>)>,
}

impl Source {
    /// Reads the text of a file.
    pub(crate) fn read(text: &str) -> Self {
        let mut reader = Reader {
            tokens: tokens(text),
            at: 0,
            inline: Vec::new(),
            depth: 0,
            source: Self::default(),
        };
        while reader.at < reader.tokens.len() {
            reader.step();
        }
        reader.source
    }
}

struct Reader {
    tokens: Vec<String>,
    at: usize,
    /// The modules in braces around the place, with the depth of their braces.
    inline: Vec<(String, usize)>,
    depth: usize,
    source: Source,
}

impl Reader {
    fn token(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", String::as_str)
    }

    fn step(&mut self) {
        match (self.token(0), self.token(2)) {
            ("#", _) => self.attribute(),
            ("mod", ";") => {
                self.source.children.push(self.token(1).to_owned());
                self.at += 3;
            }
            ("mod", "{") => {
                self.depth += 1;
                self.inline.push((self.token(1).to_owned(), self.depth));
                self.at += 3;
            }
            // `use<'a>` in a type is no import.
            ("use", _) if self.token(1) != "<" => self.import(),
            ("crate" | "super" | "self", _) if self.token(1) == "::" => self.path(),
            (token, _) => {
                match token {
                    "{" => self.depth += 1,
                    "}" => {
                        self.inline.retain(|(_, depth)| *depth < self.depth);
                        self.depth = self.depth.saturating_sub(1);
                    }
                    _ => {}
                }
                self.at += 1;
            }
        }
    }

    /// Passes over an attribute, and over the item behind it if that is there for tests only.
    fn attribute(&mut self) {
        let start = self.at;
        self.at += if self.token(1) == "!" { 2 } else { 1 };
        self.group();
        let has = |word: &str| {
            self.tokens[start..self.at]
                .iter()
                .any(|token| token == word)
        };
        if has("cfg") && has("test") && !has("not") {
            while self.token(0) == "#" {
                self.at += 1;
                self.group();
            }
            self.item();
        }
    }

    /// Passes over what stands in brackets of any kind.
    fn group(&mut self) {
        let mut open = 0;
        loop {
            match self.token(0) {
                "(" | "[" | "{" => open += 1,
                ")" | "]" | "}" => open -= 1,
                "" => return,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return;
            }
        }
    }

    /// Passes over an item: to its semicolon, or to the end of its braces.
    fn item(&mut self) {
        let is_import = (0..5).any(|ahead| self.token(ahead) == "use");
        loop {
            match self.token(0) {
                ";" => return self.at += 1,
                "" => return,
                "{" if !is_import => return self.group(),
                "(" | "[" | "{" => self.group(),
                _ => self.at += 1,
            }
        }
    }

    fn import(&mut self) {
        let before = self.at.checked_sub(1).map(|at| self.tokens[at].as_str());
        let is_public = matches!(before, Some("pub" | ")"));
        self.at += 1;
        let mut leaves = Vec::new();
        self.tree(&[], &mut leaves);
        for (name, path) in leaves {
            if is_public && self.inline.is_empty() {
                self.source.exports.push((name, path.clone()));
            }
            self.name(path);
        }
    }

    /// One branch of a `use`: its leaves, each with the name that it gets.
    fn tree(&mut self, before: &[String], leaves: &mut Vec<(String, Vec<String>)>) {
        let mut path = before.to_vec();
        loop {
            match self.token(0) {
                "{" => {
                    self.at += 1;
                    while !matches!(self.token(0), "}" | "") {
                        self.tree(&path, leaves);
                        self.at += usize::from(self.token(0) == ",");
                    }
                    return self.at += 1;
                }
                "::" => self.at += 1,
                "," | "}" | ";" | "" => break,
                "as" => {
                    leaves.push((self.token(1).to_owned(), path));
                    return self.at += 2;
                }
                // `a::{self}` is `a`.
                "self" if !path.is_empty() => self.at += 1,
                segment => {
                    path.push(segment.to_owned());
                    self.at += 1;
                }
            }
        }
        let name = path.last().cloned().unwrap_or_default();
        leaves.push((name, path));
    }

    /// A path in the middle of code.
    fn path(&mut self) {
        let before = &self.tokens[self.at.saturating_sub(3)..self.at];
        let is_visibility = before == ["pub", "(", "in"];
        let mut path = vec![self.token(0).to_owned()];
        while self.token(1) == "::" && is_word(self.token(2)) {
            path.push(self.token(2).to_owned());
            self.at += 2;
        }
        self.at += 1;
        if !is_visibility {
            self.name(path);
        }
    }

    fn name(&mut self, path: Vec<String>) {
        let inline = self.inline.iter().map(|(name, _)| name.clone());
        self.source.paths.push((path, inline.collect()));
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single signs, without comments and texts.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = if rest.starts_with("//") {
            rest.find('\n').map_or("", |end| &rest[end..])
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or("", |end| &rest[end + 2..])
        } else if first == '"' {
            after_text(&rest[1..], '"')
        } else if first == '\'' {
            let mut two = rest[1..].chars();
            match (two.next(), two.next()) {
                (Some('\\'), _) | (_, Some('\'')) => after_text(&rest[1..], '\''),
                // The name of a lifetime.
                _ => &rest[1..],
            }
        } else if matches!(word, "r" | "br") && behind.trim_start_matches('#').starts_with('"') {
            let hashes = behind.len() - behind.trim_start_matches('#').len();
            let (start, end) = (hashes + 1, format!("\"{}", "#".repeat(hashes)));
            behind[start..]
                .split_once(&end)
                .map_or("", |(_, behind)| behind)
        } else if !word.is_empty() {
            tokens.push(word.to_owned());
            behind
        } else if let Some(behind) = rest.strip_prefix("::") {
            tokens.push("::".to_owned());
            behind
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            &rest[first.len_utf8()..]
        };
    }
    tokens
}

/// What follows a text that ends with `quote`.
fn after_text(text: &str, quote: char) -> &str {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}
