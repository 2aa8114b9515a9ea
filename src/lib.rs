//! gltracker is a game-server tracker (other games say *master server*) on the standard library
//! alone: game servers log in, answer a challenge and say what they are; clients ask for the list.
//!
//! Modules in reading order: each imports only what stands above it, and [`tracker`], [`game_server`]
//! and [`client`] never import each other.
//!
//! - [`protocol`]: the wire, text to values and back. Everybody uses it; it uses nobody.
//! - `base`: what std lacks and everybody needs; of it [`interrupt`], by which a command outlives
//!   Ctrl-C, is for programs.
//! - [`query`]: how game servers of existing games are asked.
//! - [`tracker`]: the daemon.
//! - [`reach`]: how a tracker is reached by its name; what the next two have in common.
//! - [`game_server`]: what a game server runs, to be found and to answer.
//! - [`client`]: what a player's program runs.
//! - [`bridge`]: the doors through which unmodified games come and go.
//! - [`cli`]: arguments to a command.
//!
//! PROTOCOL.md describes the conversation itself. A tracker inside another program:
//!
//! ```
//! use gltracker::tracker::{Config, Tracker, log::{Level, Log}};
//! use std::io::{Read, Write};
//!
//! let config = Config {
//!     servers: Some("127.0.0.1:0".parse()?),
//!     clients: Some("127.0.0.1:0".parse()?),
//!     passwords: vec!["secret".into()],
//!     max_slots: Some(16),
//!     ..Config::default()
//! };
//! let tracker = Tracker::start(config, Log::start(Level::Warn, std::io::stderr())?)?;
//! let mut client = std::net::TcpStream::connect(tracker.clients())?;
//! client.write_all(b"LIST\nQUIT\n")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("END count=0 rev="));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod protocol;

mod base;

pub mod query;

pub mod reach;

pub mod tracker;

pub mod game_server;

pub mod client;

pub mod bridge;

pub mod cli;

pub use base::interrupt;
pub(crate) use base::threads;
