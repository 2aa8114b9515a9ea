//! What a tracker does for those who connect to it, tried on the real program.
//!
//! What drives it is of Unix: shells, signals, terminals.
#![cfg(unix)]

mod admission;
mod announce;
mod asked;
mod asking;
mod bad_input;
mod bridge;
mod bridge_cube;
mod bridge_quake;
mod browse;
mod command_line;
mod credentials;
mod documents;
mod doors;
mod doubt;
mod engine;
mod handed_over;
#[cfg(target_os = "linux")]
mod haproxy;
mod harness;
mod hosts;
mod lifecycle;
mod list;
mod liveness;
mod mixed;
mod netcats;
mod notify;
mod patience;
#[cfg(target_os = "linux")]
mod pong;
mod pretend;
mod pretend_games;
#[cfg(target_os = "linux")]
mod proxied;
mod publish;
mod reachability;
#[cfg(target_os = "linux")]
mod real_games;
mod relay;
#[cfg(target_os = "linux")]
mod restart;
mod screen;
mod scripts;
mod second_opinions;
mod several_addresses;
#[cfg(unix)]
mod share_flags;
mod sharing_apart;
mod sharing_claims;
mod sharing_cluster;
mod sharing_crowd;
mod sharing_harm;
mod sharing_lists;
mod sharing_moves;
mod sharing_outages;
mod sharing_refusals;
mod sharing_rights;
mod sharing_secrets;
mod sharing_stage;
mod sharing_trackers;
mod sharing_views;
mod simulation;
mod skips;
mod slots;
mod state;
mod status_scripts;
mod tools;
mod transcript;
mod transcripts;
#[cfg(unix)]
mod units;
mod watched_list;
mod watching;
