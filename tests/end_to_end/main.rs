//! What a tracker does for those who connect to it, tried on the real program.

mod admission;
#[cfg(unix)]
mod announce;
mod bad_input;
#[cfg(unix)]
mod browse;
mod command_line;
mod credentials;
mod documents;
mod doors;
#[cfg(target_os = "linux")]
mod doubt;
#[cfg(unix)]
mod handed_over;
mod harness;
#[cfg(target_os = "linux")]
mod hosts;
mod lifecycle;
mod list;
mod liveness;
#[cfg(unix)]
mod netcats;
#[cfg(unix)]
mod notify;
mod patience;
#[cfg(target_os = "linux")]
mod pong;
mod pretend;
#[cfg(unix)]
mod publish;
mod reachability;
#[cfg(target_os = "linux")]
mod restart;
#[cfg(unix)]
mod screen;
mod scripts;
#[cfg(target_os = "linux")]
mod several_addresses;
mod simulation;
mod skips;
mod slots;
#[cfg(unix)]
mod state;
#[cfg(unix)]
mod tools;
mod transcript;
mod transcripts;
#[cfg(unix)]
mod units;
mod watched_list;
mod watching;
