//! Programs that others wrote: whether they are here, and how a test talks with one.

use crate::patience::{PATIENCE, wait_until};
use crate::skips::skip;
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// True if `tool` is installed. If not, the test that needs it is to return, and is counted as
/// skipped; with `GLTRACKER_NO_SKIP` set, as on the machine that guards the repository, it fails.
pub(crate) fn need(tool: &str) -> bool {
    if std::env::split_paths(&path()).any(|folder| folder.join(tool).is_file()) {
        return true;
    }
    assert!(
        std::env::var_os("GLTRACKER_NO_SKIP").is_none(),
        "{tool} is not installed (scripts/install-test-tools.sh)"
    );
    skip(tool);
    false
}

/// Where programs are. Daemons and games are not in the path of every user, and some programs are in a
/// folder of the tests.
pub(crate) fn path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/usr/games");
    path.push(concat!(
        ":",
        env!("CARGO_MANIFEST_DIR"),
        "/target/tools/bin"
    ));
    path
}

/// `words` as a command, with `{host}` and `{port}` filled in.
pub(crate) fn command_to(words: &[&str], address: SocketAddr) -> Command {
    let fill = |word: &&str| {
        word.replace("{host}", &address.ip().to_string())
            .replace("{port}", &address.port().to_string())
    };
    let mut words = words.iter().map(fill);
    let mut command = Command::new(words.next().expect("a command has a first word"));
    command.args(words);
    command
}

/// A running program in a process group of its own. The whole group is killed when dropped.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    pub(crate) output: Stream,
    pub(crate) errors: Stream,
}

impl Program {
    /// Starts `command` with pipes as standard input, output and error.
    pub(crate) fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            input: child.stdin.take(),
            output: Stream::of(child.stdout.take().expect("standard output is piped")),
            errors: Stream::of(child.stderr.take().expect("standard error is piped")),
            child,
        }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes one line to its standard input.
    pub(crate) fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("standard input is open");
        writeln!(input, "{line}").expect("the program reads its standard input");
    }

    /// Ends its standard input.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    /// Sends a signal to it alone, or to its whole group.
    fn signal(&self, name: &str, whole_group: bool) {
        let sign = if whole_group { "-" } else { "" };
        let target = format!("{sign}{}", self.child.id());
        let script = "kill -s \"$0\" -- \"$1\" 2>/dev/null";
        let _ = Command::new("sh")
            .args(["-c", script, name, &target])
            .status();
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        self.signal("TERM", false);
    }

    /// Ends it, and all that it started, without asking.
    pub(crate) fn kill(&mut self) {
        self.signal("KILL", true);
        let _ = self.child.wait();
    }

    /// Its children that are not zombies.
    #[cfg(target_os = "linux")]
    pub(crate) fn children(&self) -> Vec<u32> {
        let parent = self.child.id().to_string();
        let processes = living_in_group(self.child.id()).into_iter();
        processes
            .filter(|(_, stat)| stat.split(' ').nth(1) == Some(&parent))
            .map(|(pid, _)| pid)
            .collect()
    }

    /// True if it has ended.
    #[cfg(target_os = "linux")]
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is a child").is_some()
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_until("the program ends", || {
            self.child.try_wait().expect("it is a child")
        })
    }

    /// Waits until nothing that it started is alive. Looks into /proc, where there is one.
    pub(crate) fn wait_for_descendants(&self) {
        wait_until("all of its processes have ended", || {
            living_in_group(self.child.id()).is_empty().then_some(())
        });
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("standard output of a program:\n{}", self.output.text());
            eprintln!("its standard error:\n{}", self.errors.text());
        }
    }
}

/// The processes of a group that are not zombies, each with what follows its name: state, parent, group …
fn living_in_group(group: u32) -> Vec<(u32, String)> {
    let stats = fs::read_dir("/proc").into_iter().flatten().flatten();
    stats
        .filter_map(|process| fs::read_to_string(process.path().join("stat")).ok())
        .filter_map(|stat| {
            // pid (name) state parent group …; the name may hold anything.
            let (before, fields) = stat.rsplit_once(") ")?;
            let pid = before.split(' ').next()?.parse().ok()?;
            Some((pid, fields.to_owned()))
        })
        .filter(|(_, fields)| {
            let mut fields = fields.split(' ');
            fields.next() != Some("Z") && fields.nth(1) == Some(&group.to_string())
        })
        .collect()
}

/// What a program has written so far.
#[derive(Clone)]
pub(crate) struct Stream(Arc<(Mutex<Written>, Condvar)>);

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    is_over: bool,
}

impl Written {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The text is shown by a test that has failed while it looked at it.
fn lock(written: &Mutex<Written>) -> MutexGuard<'_, Written> {
    written.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stream {
    fn of(mut source: impl Read + Send + 'static) -> Self {
        let stream = Self(Arc::default());
        let Self(filled) = stream.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let count = source.read(&mut buffer).unwrap_or(0);
                let mut written = lock(&filled.0);
                written.bytes.extend_from_slice(&buffer[..count]);
                written.is_over = count == 0;
                filled.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        stream
    }

    /// Everything so far.
    pub(crate) fn text(&self) -> String {
        lock(&self.0.0).text()
    }

    /// The first whole line that contains `part`, as soon as there is one.
    pub(crate) fn wait_for(&self, part: &str) -> String {
        let start = Instant::now();
        let mut written = lock(&self.0.0);
        loop {
            let text = written.text();
            let whole_lines = text.rfind('\n').map_or("", |end| &text[..end]);
            if let Some(line) = whole_lines.lines().find(|line| line.contains(part)) {
                return line.to_owned();
            }
            assert!(
                !written.is_over && start.elapsed() < PATIENCE,
                "no {part:?} in:\n{text}"
            );
            let step = Duration::from_millis(500);
            written = self.0.1.wait_timeout(written, step).unwrap().0;
        }
    }

    /// Everything, once it is known that no more will come.
    pub(crate) fn wait_for_end(&self) -> String {
        wait_until("the output ends", || {
            let written = lock(&self.0.0);
            written.is_over.then(|| written.text())
        })
    }
}
