//! Several hosts on one network, each a network namespace, for what a single machine cannot show:
//! hosts with several addresses, of both families, and names that have several.
//!
//! This file hides how they are made. A namespace lives as long as the shell that holds it, which
//! reads its standard input: whatever becomes of the test, nothing of them is left.

use crate::harness::TrackerProcess;
use crate::skips::skip;
use crate::tools::{Program, need};
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// One network. It is a namespace too, with a bridge between the hosts.
pub(crate) struct Network {
    bridge: Holder,
    names: PathBuf,
}

/// One host on it.
pub(crate) struct Host {
    holder: Holder,
}

/// The shell that keeps a namespace.
struct Holder(Program);

impl Network {
    /// A network on which `names` is what every host has in place of /etc/hosts. `None`, and the
    /// test is skipped loudly, where the system makes no namespaces for this user.
    pub(crate) fn new(names: &str) -> Option<Self> {
        if !["unshare", "nsenter", "ip", "mount"].into_iter().all(need) {
            return None;
        }
        let mut probe = Command::new("unshare");
        probe.args(["--user", "--map-root-user", "--net", "--mount", "true"]);
        if !probe.status().is_ok_and(|status| status.success()) {
            let lacked = "right to have a network of one's own";
            assert!(
                std::env::var_os("GLTRACKER_NO_SKIP").is_none(),
                "no {lacked}"
            );
            skip(lacked);
            return None;
        }
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let file = format!("gltracker-hosts-{}-{number}", std::process::id());
        let file = std::env::temp_dir().join(file);
        fs::write(&file, names).unwrap();
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--net", "--mount"]);
        let bridge = Holder::start(
            unshare,
            "ip link set lo up && ip link add bridge type bridge mcast_snooping 0 &&
             ip link set bridge up && mount --bind \"$0\" /etc/hosts",
            &file,
        );
        Some(Self {
            bridge,
            names: file,
        })
    }

    /// One more host, with these addresses, each with the length of its prefix: `10.2.0.1/16`. The
    /// first of each family is the one that it speaks from.
    pub(crate) fn host(&self, addresses: &[&str]) -> Host {
        let mut inside = self.bridge.inside();
        inside.args(["unshare", "--net", "--mount"]);
        let holder = Holder::start(inside, "ip link set lo up", &self.names);
        let pid = holder.0.id().to_string();
        let port = format!("port{pid}");
        let link = [
            "ip", "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &pid,
        ];
        self.bridge.run(&link);
        self.bridge
            .run(&["ip", "link", "set", &port, "master", "bridge", "up"]);
        holder.run(&["ip", "link", "set", "eth0", "up"]);
        for address in addresses {
            let mut add = vec!["ip", "address", "add", address, "dev", "eth0"];
            if address.contains(':') {
                add.push("nodad");
            }
            holder.run(&add);
        }
        Host { holder }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.names);
    }
}

impl Host {
    /// `command` as it is to run on this host, with its arguments and what it changes in its
    /// environment.
    pub(crate) fn run_here(&self, command: &Command) -> Command {
        let mut here = self.holder.inside();
        here.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => here.env(name, value),
                None => here.env_remove(name),
            };
        }
        here
    }
}

impl Holder {
    /// Has `unshare` make a namespace, and in it a shell that does `first` and then waits.
    fn start(mut unshare: Command, first: &str, argument: impl AsRef<OsStr>) -> Self {
        let script = format!("{first} && echo ready && read -r _");
        unshare.args(["sh", "-c", &script]).arg(argument);
        let program = Program::start(unshare);
        program.output.wait_for("ready");
        Self(program)
    }

    /// The beginning of a command that runs inside.
    fn inside(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--user", "--net", "--mount", "--preserve-credentials"]);
        command.args(["--target", &self.0.id().to_string(), "--"]);
        command
    }

    fn run(&self, words: &[&str]) {
        let done = self.inside().args(words).output().unwrap();
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{words:?}: {error}");
    }
}

/// What the tests of hosts stand on: hosts reach each other, at all their addresses and by name.
#[test]
fn hosts_reach_each_other_by_name() {
    let Some(network) = Network::new("10.2.9.9 tracker.example\nfd00::9 six.example\n") else {
        return;
    };
    let tracker = network.host(&["10.2.0.1/16", "10.2.9.9/16", "fd00::9/64"]);
    let player = network.host(&["10.2.0.7/16", "fd00::7/64"]);
    let mut command = crate::harness::command();
    command.args(["--servers", "[::]:0", "--clients", "[::]:0"]);
    let running = TrackerProcess::run(tracker.run_here(&command));
    let port = running.clients.port();
    for name in ["tracker.example", "six.example", "10.2.0.1"] {
        let mut list = crate::harness::command();
        list.args(["list", &format!("{name}:{port}")]);
        let output = crate::harness::outcome(player.run_here(&list));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {errors}");
    }
}

/// Two games on two addresses of one host, with one port. The second address, and an IPv4 address named
/// over IPv6, are listed when they have answered; the first needs no proof.
#[test]
fn a_second_address_is_listed_when_it_is_proven() {
    let Some(network) = Network::new("") else {
        return;
    };
    let tracker = network.host(&["10.2.0.5/16", "fd00::5/64"]);
    let games = network.host(&["10.2.0.1/16", "10.2.9.9/16", "fd00::1/64"]);
    let mut command = crate::harness::command();
    command.args(["--servers", "[::]:0", "--clients", "[::]:0"]);
    command.env("GLTRACKER_PASSWORD", crate::harness::PASSWORD);
    let tracker_process = TrackerProcess::run(tracker.run_here(&command));
    let (servers, clients) = (
        tracker_process.servers.port(),
        tracker_process.clients.port(),
    );
    let announce_from = |host: &Host, tracker: &str, arguments: &[&str]| {
        let mut announce = crate::harness::command();
        announce.args(["announce", "--tracker", &format!("{tracker}:{servers}")]);
        announce
            .args(arguments)
            .env("GLTRACKER_PASSWORD", crate::harness::PASSWORD);
        Program::start(host.run_here(&announce))
    };
    let announce = |tracker, arguments: &[&str]| announce_from(&games, tracker, arguments);
    let beside = announce_from(&tracker, "127.0.0.1", &["--port", "23463"]);
    beside.errors.wait_for(" as 127.0.0.1:23463");
    let first = announce("10.2.0.5", &["--port", "23460"]);
    first.errors.wait_for(" as 10.2.0.1:23460");
    let second = announce("10.2.0.5", &["--port", "23460", "--pong", "ip=10.2.9.9"]);
    second.errors.wait_for(" as 10.2.9.9:23460");
    let third = announce("[fd00::5]", &["--port", "23461", "--pong", "ip=10.2.0.1"]);
    third.errors.wait_for(" as 10.2.0.1:23461");
    let mut list = crate::harness::command();
    list.args([
        "list",
        "--no-ping",
        "--json",
        &format!("10.2.0.5:{clients}"),
    ]);
    let output = crate::harness::outcome(games.run_here(&list));
    let shown = String::from_utf8_lossy(&output.stdout);
    for (address, count) in [("\"10.2.0.1\"", 2), ("\"10.2.9.9\"", 1)] {
        assert_eq!(shown.matches(address).count(), count, "{shown}");
    }
    // Who has asked from another host cannot reach the one that is listed at loopback.
    let warning = tracker_process.wait_for_log("event=hidden address=127.0.0.1:23463");
    assert!(
        warning.contains("only players on the same machine"),
        "{warning}"
    );
}
