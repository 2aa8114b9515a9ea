//! Ctrl-C while this program waits for one that it has started.
//!
//! Ctrl-C sends a signal to every program in the foreground of a terminal: to the game, which may take
//! some time to end, and to this program, which must outlive the game. The standard library cannot
//! handle signals, but a shell can ignore one, and a signal stays ignored across `exec`. So this
//! program executes a shell that ignores the signal and executes this program again. The game must
//! not inherit that: it is started through a program that restores the signal's default. If there
//! is no such program (GNU env or perl), none of this is done, and Ctrl-C ends this program too.
//!
//! The signals are those of Ctrl-C and Ctrl-\.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The variable that names one of [`GIVERS`] after the second `exec`. Games do not see it.
const VARIABLE: &str = "GLTRACKER_STARTS_BY";

/// Programs that start others with the default of both signals, each with its arguments.
const GIVERS: [(&str, &[&str]); 2] = [
    ("env", &["--default-signal=INT,QUIT", "--"]),
    (
        "perl",
        &[
            "-e",
            "$SIG{INT} = $SIG{QUIT} = 'DEFAULT'; exec { $ARGV[0] } @ARGV; exit 126",
            "--",
        ],
    ),
];

/// Where the C library looks for programs if `PATH` is not set.
const USUAL_PATH: &str = "/bin:/usr/bin";

/// Makes a shell ignore both signals and execute its arguments.
const IGNORING: [&str; 2] = ["-c", r#"trap "" INT QUIT; exec "$0" "$@""#];

/// Keeps Ctrl-C from ending this program, by executing it once more. Returns in the new program, or if
/// that cannot be done. To be called before anything else.
pub fn outlive(environment: impl Fn(&str) -> Option<OsString>) {
    let is_done = environment(VARIABLE).is_some();
    // Without a terminal there is no Ctrl-C. Whoever started this program with the signal ignored
    // wants the game to ignore it as well.
    if is_done || !system::has_terminal() || system::is_ignored() {
        return;
    }
    let Some(program) = std::env::current_exe().ok().filter(|path| path.is_file()) else {
        return;
    };
    if let Some((name, _)) = GIVERS.iter().find(|giver| works(giver)) {
        system::become_this(
            Command::new("sh")
                .args(IGNORING)
                .arg(program)
                .env(VARIABLE, name),
        );
    }
}

/// A command that starts `program` with Ctrl-C not ignored.
///
/// # Errors
/// When there is no such program, or it cannot be executed. The program in between could not tell.
pub(crate) fn command(program: &OsStr) -> io::Result<Command> {
    let giver = std::env::var_os(VARIABLE);
    let giver = GIVERS
        .iter()
        .find(|(name, _)| giver.as_deref() == Some(OsStr::new(name)));
    // env takes such a word for a variable.
    let has_sign = program.as_encoded_bytes().contains(&b'=');
    let mut command = match giver.filter(|_| !has_sign) {
        None => Command::new(program),
        Some(giver) => {
            check(program)?;
            given(giver, program)
        }
    };
    command.env_remove(VARIABLE);
    Ok(command)
}

/// Checks that there is such a program.
///
/// # Errors
/// When there is none, or it may not be executed.
pub(crate) fn check(program: &OsStr) -> io::Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| USUAL_PATH.into());
    find(program, &path).map(drop)
}

fn given((name, arguments): &(&str, &[&str]), program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.args(*arguments).arg(program);
    command
}

/// True if this program restores the default: in a trial, a shell that ignores the signal starts
/// through it a shell that sends the signal to itself.
fn works((name, arguments): &(&str, &[&str])) -> bool {
    let mut trial = Command::new("sh");
    trial.args(IGNORING).arg(name).args(*arguments);
    trial.args(["sh", "-c", "kill -s INT $$; exit 7"]);
    trial
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    trial.status().is_ok_and(system::was_interrupted)
}

/// The file of a program, found as a shell finds it.
fn find(program: &OsStr, path: &OsStr) -> io::Result<PathBuf> {
    let places: Vec<PathBuf> = match Path::new(program).components().count() > 1
        || program.as_encoded_bytes().contains(&b'/')
    {
        true => vec![program.into()],
        false => std::env::split_paths(path)
            .map(|folder| folder.join(program))
            .collect(),
    };
    let mut error = (io::ErrorKind::NotFound, "there is no such program");
    for place in places {
        match place.metadata() {
            Ok(file) if file.is_file() && system::may_be_executed(&file) => return Ok(place),
            Ok(_) => error = (io::ErrorKind::PermissionDenied, "it may not be executed"),
            Err(_) => {}
        }
    }
    Err(io::Error::new(error.0, error.1))
}

#[cfg(unix)]
mod system {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, ExitStatus};

    pub(super) fn has_terminal() -> bool {
        std::fs::File::open("/dev/tty").is_ok()
    }

    /// True if Ctrl-C is ignored already, which Linux tells in a file.
    pub(super) fn is_ignored() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // The second bit is that of signal 2.
        mask.is_some_and(|mask| mask & 0b10 != 0)
    }

    /// Executes `command` in place of this program. Returns only if that failed.
    pub(super) fn become_this(command: &mut Command) {
        let _ = command.args(std::env::args_os().skip(1)).exec();
    }

    pub(super) fn was_interrupted(status: ExitStatus) -> bool {
        status.signal() == Some(2)
    }

    pub(super) fn may_be_executed(file: &std::fs::Metadata) -> bool {
        file.mode() & 0o111 != 0
    }
}

/// Other systems have no such signals.
#[cfg(not(unix))]
mod system {
    use std::process::{Command, ExitStatus};

    pub(super) fn has_terminal() -> bool {
        false
    }

    pub(super) fn is_ignored() -> bool {
        true
    }

    pub(super) fn become_this(_: &mut Command) {}

    pub(super) fn was_interrupted(_: ExitStatus) -> bool {
        false
    }

    pub(super) fn may_be_executed(_: &std::fs::Metadata) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_signals_back_is_tried_and_starts_a_program_as_it_is_called() {
        for giver in GIVERS.iter().filter(|giver| works(giver)) {
            let mut command = given(giver, "printf");
            let output = command
                .args(["%s,", "-a", "x=y", "--", "$HOME; b"])
                .output();
            assert_eq!(output.unwrap().stdout, b"-a,x=y,--,$HOME; b,", "{giver:?}");
        }
        assert!(!works(&("true", &[])), "it starts nothing");
        assert!(!works(&("env", &[])), "it leaves them ignored");
        assert!(!works(&("there-is-no-such-program", &[])));
    }

    #[test]
    fn a_program_that_is_not_there_is_noticed_before_another_starts_it() {
        let path = std::env::join_paths(["/nowhere", "/bin"]).unwrap();
        let find = |program: &str| find(program.as_ref(), &path).map_err(|error| error.kind());
        assert_eq!(find("sh"), Ok("/bin/sh".into()));
        assert_eq!(find("/bin/sh"), Ok("/bin/sh".into()));
        assert_eq!(find("there-is-none"), Err(io::ErrorKind::NotFound));
        assert_eq!(find("./there-is-none"), Err(io::ErrorKind::NotFound));
        assert_eq!(find("/bin"), Err(io::ErrorKind::PermissionDenied));
    }
}
