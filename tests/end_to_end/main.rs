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
mod checking;
mod command_line;
mod credentials;
mod documents;
mod doors;
mod doubt;
#[cfg(target_os = "linux")]
mod engine;
mod example_clients;
mod examples;
mod handed_over;
#[cfg(target_os = "linux")]
mod haproxy;
#[cfg(target_os = "linux")]
mod haproxy_one_list;
mod harness;
mod hosts;
mod languages;
mod lifecycle;
mod list;
mod liveness;
mod manual;
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
#[cfg(target_os = "linux")]
mod relay;
#[cfg(target_os = "linux")]
mod restart;
mod screen;
mod scripts;
mod second_opinions;
mod servers_list;
mod several_addresses;
#[cfg(unix)]
mod share_flags;
#[cfg(target_os = "linux")]
mod sharing_apart;
#[cfg(target_os = "linux")]
mod sharing_claims;
#[cfg(target_os = "linux")]
mod sharing_cluster;
#[cfg(target_os = "linux")]
mod sharing_crowd;
#[cfg(target_os = "linux")]
mod sharing_harm;
#[cfg(target_os = "linux")]
mod sharing_lists;
#[cfg(target_os = "linux")]
mod sharing_moves;
#[cfg(target_os = "linux")]
mod sharing_outages;
#[cfg(target_os = "linux")]
mod sharing_refusals;
#[cfg(target_os = "linux")]
mod sharing_rights;
#[cfg(target_os = "linux")]
mod sharing_secrets;
#[cfg(target_os = "linux")]
mod sharing_stage;
#[cfg(target_os = "linux")]
mod sharing_trackers;
#[cfg(target_os = "linux")]
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
