//! Why a tracker did not start, in words that say what to change.

use crate::tracker::access::passwords::PasswordError;
use crate::tracker::files::error::FilesError;
use crate::tracker::start::os_limits::Shortage;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a tracker did not start.
#[derive(Debug)]
pub enum StartError {
    /// MAX_SLOTS cannot be shared out; it leaves a class without a slot.
    TooFewSlots(usize),
    /// The machine does not allow as many slots as were asked for.
    Machine(usize, Shortage),
    /// The machine does not allow even so few slots, and no number was given.
    TooSmall(usize, Shortage),
    /// The timings cannot be used; only a program that starts a tracker itself can set them.
    Timings(String),
    /// The passwords cannot be used.
    Passwords(PasswordError),
    /// The files cannot be used.
    Files(FilesError),
    /// The folder of a service manager cannot be used, and nothing else says who may log in.
    NoCredentials(PathBuf, io::Error),
    /// What was handed over is not a TCP socket that listens.
    NotHandedOver(String),
    /// What was handed over, which is bound to this address, does not listen.
    NotListening(SocketAddr),
    /// Game servers and clients would come to the same port, with sockets that were handed over.
    SamePort(SocketAddr),
    /// An address cannot be listened on.
    Bind(SocketAddr, io::Error),
    /// A thread could not be started.
    Thread(io::Error),
}

impl StartError {
    /// True if the operator has to change something; false if the system said no.
    pub fn is_wrong_usage(&self) -> bool {
        match self {
            Self::TooFewSlots(_) | Self::Timings(_) => true,
            Self::NotHandedOver(_) | Self::NotListening(_) | Self::SamePort(_) => true,
            Self::Files(error) => error.is_wrong_usage(),
            Self::Passwords(PasswordError::Empty(_) | PasswordError::Unusable(..)) => true,
            // The file can be read, but it is not text.
            Self::Passwords(PasswordError::Unreadable(_, error)) => {
                error.kind() == io::ErrorKind::InvalidData
            }
            _ => false,
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewSlots(slots) => write!(
                f,
                "{slots} slots leave a class without one; give more with --max-slots, or other \
                 --slot-shares"
            ),
            Self::Machine(slots, shortage) => {
                write!(
                    f,
                    "--max-slots {slots} is more than this machine allows: {shortage}"
                )
            }
            Self::TooSmall(slots, shortage) => {
                write!(
                    f,
                    "this machine does not allow even {slots} slots: {shortage}"
                )
            }
            Self::Timings(why) => write!(f, "the timings cannot be used: {why}"),
            Self::Passwords(error) => error.fmt(f),
            Self::Files(error) => error.fmt(f),
            Self::Bind(address, error) if error.kind() == io::ErrorKind::AddrInUse => write!(
                f,
                "port {} is in use (on {address}): another tracker is running, or choose another \
                 with --servers or --clients",
                address.port()
            ),
            Self::NoCredentials(path, error) => write!(
                f,
                "the folder {} of CREDENTIALS_DIRECTORY, from where the password is to come, cannot \
                 be used: {error}; unset it, or give a password in another way",
                path.display()
            ),
            Self::NotHandedOver(why) => write!(
                f,
                "{why}: whoever starts the tracker is to open it, as a socket unit of systemd or \
                 scripts/listen.pl does; or give --servers and --clients addresses"
            ),
            Self::NotListening(address) => write!(
                f,
                "what was handed over at {address} is a socket that does not listen"
            ),
            Self::SamePort(address) => write!(
                f,
                "what was handed over for game servers and for clients is the same port, {address}: hand \
                 over two sockets, at two ports"
            ),
            Self::Bind(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Thread(error) => write!(f, "cannot start: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<FilesError> for StartError {
    fn from(error: FilesError) -> Self {
        Self::Files(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_text_is_wrong_and_one_that_is_not_there_may_yet_come() {
        let is_wrong = |kind: io::ErrorKind| {
            let (path, error) = (PathBuf::from("list"), || io::Error::from(kind));
            let passwords = PasswordError::Unreadable(path.clone(), error());
            let passwords = StartError::Passwords(passwords).is_wrong_usage();
            let keys = StartError::from(FilesError::Unreadable(path, error())).is_wrong_usage();
            assert_eq!(passwords, keys);
            keys
        };
        assert!(is_wrong(io::ErrorKind::InvalidData));
        assert!(!is_wrong(io::ErrorKind::NotFound));
        assert!(!is_wrong(io::ErrorKind::PermissionDenied));
    }
}
