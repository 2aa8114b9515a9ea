//! HAProxy in front of those who are compared.

use super::load::PATIENCE;
use super::process::Process;
use super::run::Result;
use super::turns::Rival;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

/// The address from which HAProxy connects, and nobody else.
pub(crate) const PROXY: &str = "127.0.0.2";

/// What is said where there is no such program.
const MISSING: &str =
    "haproxy IS NOT INSTALLED (scripts/install-test-tools.sh): NOTHING IS MEASURED THROUGH IT";

/// An HAProxy with a port for each of those behind it.
#[derive(Debug)]
pub(crate) struct Haproxy {
    _process: Process,
    ports: Vec<SocketAddr>,
}

impl Haproxy {
    /// True if it is installed; if not, that is said aloud.
    ///
    /// # Errors
    /// When it is not installed where `GLTRACKER_NO_SKIP` is set.
    pub(crate) fn is_installed() -> Result<bool> {
        match command().arg("-v").output() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            version => return Ok(version?.status.success()),
        }
        match std::env::var_os("GLTRACKER_NO_SKIP") {
            Some(_) => Err(MISSING.into()),
            None => {
                println!("\nSKIPPED: {MISSING}");
                Ok(false)
            }
        }
    }

    /// Starts one in front of `rivals`. The first is told whose connections it has.
    pub(crate) fn start(rivals: &[Rival<'_>]) -> Result<Self> {
        // The configuration says the ports. These were free a moment ago.
        let free = |_| TcpListener::bind("127.0.0.1:0");
        let free: Vec<TcpListener> = (0..rivals.len()).map(free).collect::<io::Result<_>>()?;
        let ports = free.iter().map(TcpListener::local_addr);
        let ports: Vec<SocketAddr> = ports.collect::<io::Result<_>>()?;
        drop(free);
        // As scripts/haproxy.cfg has it.
        let mut config = "global\ntune.runqueue-depth 20\n\
                          defaults\nmode tcp\ntimeout connect 5s\n\
                          timeout client 75s\ntimeout server 75s\n"
            .to_owned();
        for (rival, port) in rivals.iter().zip(&ports) {
            let (name, to) = (rival.name, rival.address);
            let header = match name == rivals[0].name {
                true => "send-proxy-v2",
                false => "",
            };
            config += &format!(
                "listen {name}\nbind {port} backlog 4096\n\
                 tcp-request inspect-delay 1s\n\
                 tcp-request content accept if {{ req.len gt 0 }}\n\
                 server {name} {to} source {PROXY} {header}\n"
            );
        }
        let (output, writer) = io::pipe()?;
        let mut command = command();
        // It says a line when it has read its configuration.
        command
            .args(["-V", "-db", "-f", "/dev/stdin"])
            .stdout(writer);
        let (process, ..) = Process::start(command, config.as_bytes(), output)?;
        let start = Instant::now();
        for port in &ports {
            while let Err(error) = TcpStream::connect(port) {
                if start.elapsed() > PATIENCE {
                    return Err(format!("haproxy does not listen: {error}").into());
                }
                thread::yield_now();
            }
        }
        Ok(Self {
            _process: process,
            ports,
        })
    }

    /// The same rivals, asked through it.
    pub(crate) fn before<'a>(&self, mut rivals: Vec<Rival<'a>>) -> Vec<Rival<'a>> {
        for (rival, &port) in rivals.iter_mut().zip(&self.ports) {
            rival.address = port;
        }
        rivals
    }
}

fn command() -> Command {
    let mut command = Command::new("haproxy");
    let path = std::env::var("PATH").unwrap_or_default();
    // Daemons are not in the path of every user.
    command
        .env("PATH", format!("{path}:/usr/sbin"))
        .stderr(Stdio::null());
    command
}
