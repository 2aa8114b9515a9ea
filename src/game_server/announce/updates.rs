//! Where lines with updates come from: standard input, or a file that is followed.
//!
//! This file hides how a file is followed. It is read from its beginning, and on as it grows, as
//! `tail -F` does. A file that is written anew or replaced is read from its beginning again, so that
//! a file may also hold just the present values.

use crate::base::files::file_stamp::FileStamp;
use crate::base::io_error::in_words;
use crate::protocol::line::{LineSplitter, MAX_LINE};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a file is checked for changes.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How many of the bytes that were read are kept. If the file holds other bytes there by now, it was
/// written anew. A file with one set of fields is shorter than this.
const ANCHOR_BYTES: usize = 4096;

/// The most that is read at a time, in bytes.
const MAX_READ: u64 = 1 << 20;

/// A line with its number, counted from 1; or why it is not one.
pub type Numbered = (usize, Result<String, String>);

/// Reads `source` to its end; `on_line` says whether to go on. A last line without LF counts.
pub fn read_lines(mut source: impl Read, mut on_line: impl FnMut(Numbered) -> bool) {
    let mut splitter = LineSplitter::default();
    let mut buffer = [0; 4096];
    let mut number = 0;
    loop {
        let count = match source.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => 0,
        };
        let is_end = count == 0;
        if is_end && !splitter.is_inside_a_line() {
            return;
        }
        let mut bytes = if is_end { &b"\n"[..] } else { &buffer[..count] };
        while let Some(line) = splitter.next_line(&mut bytes) {
            number += 1;
            let line = line.map(str::to_owned).map_err(|error| error.to_string());
            if !on_line((number, line)) {
                return;
            }
        }
        if is_end {
            return;
        }
    }
}

/// A file that is followed.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    seen: Option<FileStamp>,
    tail: Tail,
    /// The problem that was reported last; each is reported once.
    problem: Option<String>,
}

/// What a check of a file has found.
#[derive(Debug, Default)]
pub struct Look {
    /// The new lines.
    pub lines: Vec<Numbered>,
    /// The file was written since the last check.
    pub is_touched: bool,
    /// The file cannot be read (any more): why.
    pub problem: Option<String>,
}

/// True for a named pipe.
fn is_pipe(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Opens a named pipe, for writing too: otherwise it would end with its first writer, and what
/// another writes before it is opened again would be lost.
fn open_pipe(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).write(true).open(path);
    file.or_else(|_| File::open(path))
}

impl Follower {
    /// A file that nobody has looked at yet. It need not be there yet either.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            seen: None,
            tail: Tail::default(),
            problem: None,
        }
    }

    /// Reads what is new, or from a named pipe all that is ever written. For that it waits, for as
    /// long as it takes. `on_line` says whether to go on, and is told `None` for a file that was
    /// written without a new line in it; returns what is wrong, once.
    pub(crate) fn look_or_listen(
        &mut self,
        mut on_line: impl FnMut(Option<Numbered>) -> bool,
    ) -> Option<String> {
        if is_pipe(&self.path)
            && let Ok(pipe) = open_pipe(&self.path)
        {
            read_lines(pipe, |line| on_line(Some(line)));
            return None;
        }
        let look = self.look();
        let touched = (look.is_touched && look.lines.is_empty()).then_some(None);
        let lines = look.lines.into_iter().map(Some);
        let _ = touched.into_iter().chain(lines).all(&mut on_line);
        look.problem
    }

    /// Reads what is new, and never waits.
    pub fn look(&mut self) -> Look {
        let mut lines = Vec::new();
        let (is_touched, problem) = match self.read_on(&mut lines) {
            Ok(is_touched) => (is_touched, None),
            Err(error) => {
                self.seen = None;
                let path = self.path.display().to_string();
                let path = crate::protocol::text::spelled_out(&path, 200);
                let why = in_words(&error);
                (false, Some(format!("{path}: {why}; waiting for it")))
            }
        };
        let is_new = problem.is_some() && problem != self.problem;
        self.problem.clone_from(&problem);
        Look {
            lines,
            is_touched,
            problem: problem.filter(|_| is_new),
        }
    }

    /// Returns whether the file was written since.
    fn read_on(&mut self, lines: &mut Vec<Numbered>) -> io::Result<bool> {
        let metadata = fs::metadata(&self.path)?;
        if is_pipe(&self.path) {
            return Ok(false);
        }
        // Reading anything else might wait for ever, or never end.
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file or a named pipe"));
        }
        let stamp = FileStamp::of(&metadata);
        if self.seen.as_ref() == Some(&stamp) {
            // The file has not grown since the last check: half a line will stay half.
            lines.extend(self.tail.settle());
            return Ok(false);
        }
        let mut file = File::open(&self.path)?;
        let stamp = FileStamp::of(&file.metadata()?);
        let is_first = self.seen.is_none();
        let is_other = self
            .seen
            .as_ref()
            .is_some_and(|seen| !seen.is_same_file(&stamp));
        if is_first || is_other || !self.tail.goes_on_in(&mut file, stamp.length())? {
            self.tail = Tail::default();
        }
        file.seek(SeekFrom::Start(self.tail.position))?;
        let mut bytes = Vec::new();
        file.take(MAX_READ).read_to_end(&mut bytes)?;
        lines.extend(self.tail.feed(&bytes));
        if is_first {
            lines.extend(self.tail.settle());
        }
        // The rest is read at the next check, which must find a change.
        let is_all = self.tail.position >= stamp.length();
        self.seen = Some(if is_all { stamp } else { stamp.outdated() });
        Ok(true)
    }
}

/// What was read of a file so far.
#[derive(Debug, Default)]
struct Tail {
    position: u64,
    /// The last bytes before that, [`ANCHOR_BYTES`] at the most.
    anchor: Vec<u8>,
    /// Whole lines so far.
    number: usize,
    /// The beginning of the next line, cut where it is too long to be one.
    partial: Vec<u8>,
    /// That beginning was returned as if it were a whole line.
    is_settled: bool,
}

impl Tail {
    /// True if `file`, of so many bytes, holds what was read, and more behind it if anything.
    fn goes_on_in(&self, file: &mut File, length: u64) -> io::Result<bool> {
        if length < self.position || (length == self.position && length > ANCHOR_BYTES as u64) {
            return Ok(false);
        }
        let mut before = vec![0; self.anchor.len()];
        file.seek(SeekFrom::Start(self.position - before.len() as u64))?;
        match file.read_exact(&mut before) {
            Ok(()) => Ok(before == self.anchor),
            // It has become shorter since.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads on; gives out the lines that have become whole.
    fn feed(&mut self, bytes: &[u8]) -> Vec<Numbered> {
        self.position += bytes.len() as u64;
        self.anchor
            .extend_from_slice(&bytes[bytes.len().saturating_sub(ANCHOR_BYTES)..]);
        let excess = self.anchor.len().saturating_sub(ANCHOR_BYTES);
        self.anchor.drain(..excess);
        let mut lines = Vec::new();
        let mut pieces = bytes.split(|&byte| byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            // One byte too many shows that the line is too long.
            let room = (MAX_LINE + 1).saturating_sub(self.partial.len());
            self.partial
                .extend_from_slice(&piece[..piece.len().min(room)]);
            if !piece.is_empty() {
                self.is_settled = false;
            }
            if pieces.peek().is_some() {
                self.number += 1;
                if !std::mem::take(&mut self.is_settled) {
                    lines.push((self.number, as_line(&self.partial)));
                }
                self.partial.clear();
            }
        }
        lines
    }

    /// Gives out a last line that has no LF (yet), once.
    fn settle(&mut self) -> Option<Numbered> {
        if self.is_settled || self.partial.is_empty() {
            return None;
        }
        self.is_settled = true;
        Some((self.number + 1, as_line(&self.partial)))
    }
}

fn as_line(bytes: &[u8]) -> Result<String, String> {
    let mut splitter = LineSplitter::default();
    let bytes = [bytes, b"\n"].concat();
    let line = splitter.next_line(&mut &bytes[..]);
    // There is a line: its LF is there.
    let line = line.unwrap_or(Ok(""));
    line.map(str::to_owned).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;
    use std::io::Write;

    fn text(lines: Vec<Numbered>) -> String {
        let shown = |(number, line): Numbered| format!("{number}:{} ", line.unwrap_or("?".into()));
        lines.into_iter().map(shown).collect()
    }

    #[test]
    fn a_file_is_followed_as_it_grows_shrinks_and_is_replaced() {
        let path = std::env::temp_dir().join(format!("gltracker-follow-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        let mut follower = Follower::new(path.clone());
        let mut look = || text(follower.look().lines);
        assert_eq!(look(), "");
        let write = |text: &str| fs::write(&path, text).unwrap();
        let append = |text: &str| {
            let file = File::options().append(true).open(&path);
            file.unwrap().write_all(text.as_bytes()).unwrap();
        };
        write("a=1\n\nb=2");
        assert_eq!(look(), "1:a=1 2: 3:b=2 ");
        assert_eq!(look(), "");
        append("3\nc=4\n");
        assert_eq!(look(), "3:b=23 4:c=4 ");
        append("half");
        assert_eq!(look(), "");
        assert_eq!(look(), "5:half ");
        append("\nd=");
        assert_eq!(look(), "");
        append("5\r\n");
        assert_eq!(look(), "6:d=5 ");
        // Shorter, longer and of the same length.
        write("n=9\n");
        assert_eq!(look(), "1:n=9 ");
        write("n=10\n");
        assert_eq!(look(), "1:n=10 ");
        // A file system may not tell apart the times of two changes that are closer than a tick
        // of its clock: here the second comes a tick later.
        let modified = || fs::metadata(&path).unwrap().modified().unwrap();
        let tick = Duration::from_millis(20);
        let later = modified() + tick;
        write("n=11\n");
        let file = File::options().append(true).open(&path).unwrap();
        file.set_modified(later.max(modified())).unwrap();
        assert_eq!(look(), "1:n=11 ");
        let other = path.with_extension("new");
        fs::write(&other, "n=11\nm=1\n").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!(look(), "1:n=11 2:m=1 ");
        fs::remove_file(&path).unwrap();
        let look = follower.look();
        assert!(look.problem.unwrap().ends_with("; waiting for it"));
        assert!(follower.look().problem.is_none(), "it is said once");
        write("n=12\n");
        assert_eq!(text(follower.look().lines), "1:n=12 ");
        fs::remove_file(&path).unwrap();
        let folder = Follower::new(std::env::temp_dir()).look().problem.unwrap();
        assert!(folder.contains("not a regular file"), "{folder}");
    }

    #[test]
    fn a_large_file_is_read_in_parts() {
        let path = std::env::temp_dir().join(format!("gltracker-large-{}", std::process::id()));
        let lines = 2 * MAX_READ as usize / 8 + 1;
        fs::write(&path, "a=12345\n".repeat(lines)).unwrap();
        let mut follower = Follower::new(path.clone());
        let counts = [(); 4].map(|()| follower.look().lines.len());
        assert_eq!(counts.iter().sum::<usize>(), lines);
        assert_eq!((counts[2], counts[3]), (1, 0));
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn lines_of_a_stream_are_counted_and_bounded() {
        let long = "x".repeat(MAX_LINE);
        let stream = format!("a=1\r\n{long}\n\nlast");
        let mut lines = Vec::new();
        read_lines(stream.as_bytes(), |line| {
            lines.push(line);
            true
        });
        assert_eq!(text(lines), "1:a=1 2:? 3: 4:last ");
    }

    quickcheck! {
        fn any_chopping_gives_the_same_lines(bytes: Vec<u8>, cut: usize) -> bool {
            let bytes: Vec<u8> = bytes.into_iter().map(|b| if b % 5 == 0 { b'\n' } else { b }).collect();
            let cut = cut % (bytes.len() + 1);
            let (mut whole, mut chopped) = (Tail::default(), Tail::default());
            let mut lines = chopped.feed(&bytes[..cut]);
            lines.extend(chopped.feed(&bytes[cut..]));
            lines == whole.feed(&bytes) && chopped.anchor == whole.anchor
        }
    }
}
