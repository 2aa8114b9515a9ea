//! Ctrl-C while this program waits for one that it has started.
//!
//! Ctrl-C goes to all that run in front on a terminal: to the game, which may take its time, and to
//! this program, which must be there when it ends. The standard library handles no signals. But a
//! shell can ignore one, what is ignored stays so for whatever the shell becomes, and so this
//! program becomes a shell that becomes this program. The game must not inherit that, and is
//! started by a program that gives signals their meaning back. Where there is none nothing of this
//! is done, and Ctrl-C ends this program as it ends any other.
//!
//! This file hides all of that. The signals are those of Ctrl-C and Ctrl-\.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Says by which of [`GIVERS`] programs are to be started; set for this program only.
const VARIABLE: &str = "GLTRACKER_STARTS_BY";

/// Programs that start others with both signals as they are by default, and their arguments.
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

/// Where the C library looks for programs if nobody says where.
const USUAL_PATH: &str = "/bin:/usr/bin";

/// A shell becomes its arguments.
const IGNORING: [&str; 2] = ["-c", r#"trap "" INT QUIT; exec "$0" "$@""#];

/// Sees to it that Ctrl-C does not end this program. Returns as soon as that is so, or if it cannot
/// be done; in between this program is executed once more. To be called before anything else.
pub fn outlive(environment: impl Fn(&str) -> Option<OsString>) {
    let is_done = environment(VARIABLE).is_some();
    // Without a terminal there is no Ctrl-C; and who has started this with it ignored meant the
    // game as well.
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

/// The call of `program`, as it is if Ctrl-C is not ignored here, and otherwise such that it is not
/// there.
///
/// # Errors
/// When there is no such program, or it cannot be executed: who starts it could not tell.
pub(crate) fn command(program: &OsStr) -> io::Result<Command> {
    let giver = std::env::var_os(VARIABLE);
    let giver = GIVERS
        .iter()
        .find(|(name, _)| giver.as_deref() == Some(OsStr::new(name)));
    // To env that would be a variable.
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

/// Looks whether there is such a program.
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

/// Tries it: a shell that ignores the signal starts one that does not, and that one sends it to
/// itself.
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

/// Where it is, as a shell looks for it.
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

    /// Linux says so in a file.
    pub(super) fn is_ignored() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // The second bit is that of signal 2.
        mask.is_some_and(|mask| mask & 0b10 != 0)
    }

    /// Returns if that cannot be executed, and all is as before then.
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

/// Elsewhere there are no such signals.
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
