//! A listener that stands at standard input or output, opened by whoever started the tracker.
//!
//! Its address, its queue and its options are what its maker gave it, and it stays open while the
//! tracker restarts.

use crate::tracker::start::config::Standard;
use crate::tracker::threads::accept::listener::Listener;

/// Takes over what stands there.
///
/// # Errors
/// What stands there, if it is not a TCP socket that listens.
#[cfg(unix)]
pub(super) fn take(from: Standard) -> Result<Listener, String> {
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::OwnedFd;

    let unusable = |error| format!("{from} cannot be used: {error}");
    let wrong = |what| Err(format!("{from} is {what}, not a TCP socket that listens"));
    let descriptor = duplicate(from).map_err(unusable)?;
    let descriptor = match what_else(descriptor) {
        Ok(descriptor) => descriptor,
        Err(what) => return wrong(what),
    };
    let socket = TcpStream::from(descriptor);
    let Ok(address) = socket.local_addr() else {
        return wrong("a socket without an IP address");
    };
    if socket.peer_addr().is_ok() {
        return wrong("a socket that is connected");
    }
    // Datagrams have no such option.
    if socket.set_nodelay(true).is_err() {
        return wrong("a socket for datagrams");
    }
    Ok(Listener {
        socket: TcpListener::from(OwnedFd::from(socket)),
        address,
        first: None,
    })
}

#[cfg(unix)]
fn duplicate(from: Standard) -> std::io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::AsFd;
    match from {
        Standard::Input => std::io::stdin().as_fd().try_clone_to_owned(),
        Standard::Output => std::io::stdout().as_fd().try_clone_to_owned(),
    }
}

/// The descriptor again if it is a socket's, or else what it is.
#[cfg(unix)]
fn what_else(descriptor: std::os::fd::OwnedFd) -> Result<std::os::fd::OwnedFd, &'static str> {
    use std::io::IsTerminal;
    use std::os::unix::fs::FileTypeExt;
    let file = std::fs::File::from(descriptor);
    let kind = file.metadata().map(|file| file.file_type());
    match kind {
        Ok(kind) if kind.is_socket() => Ok(file.into()),
        _ if file.is_terminal() => Err("a terminal"),
        Ok(kind) if kind.is_fifo() => Err("a pipe"),
        Ok(kind) if kind.is_file() => Err("a file"),
        Ok(kind) if kind.is_char_device() => Err("a device"),
        _ => Err("something else"),
    }
}

/// Only Unix has sockets that are files.
#[cfg(not(unix))]
pub(super) fn take(from: Standard) -> Result<Listener, String> {
    Err(format!("{from} cannot be a socket on this system"))
}

/// True if standard output is a socket: whoever made it does not expect text there.
pub(crate) fn is_stdout_a_socket() -> bool {
    #[cfg(unix)]
    return duplicate(Standard::Output).is_ok_and(|descriptor| what_else(descriptor).is_ok());
    #[cfg(not(unix))]
    return false;
}
