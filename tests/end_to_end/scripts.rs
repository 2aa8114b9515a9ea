//! The shell scripts, under every shell and over every netcat.

use crate::harness::{
    PASSWORD, Peer, TrackerProcess, accept, command, free_udp_port, gltracker, own_address,
};
use crate::patience::uninterrupted;
use crate::screen::Screen;
use crate::tools::{Program, need};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The shells, each as a command. The first word is what must be installed.
const SHELLS: [&[&str]; 3] = [&["dash"], &["bash", "--posix"], &["busybox", "sh"]];

/// The netcats, as the scripts know them: by `NC`.
const NETCATS: [&str; 5] = [
    "nc.openbsd",
    "nc.traditional",
    "ncat",
    "busybox nc",
    "socat",
];

/// The port of the game server that each shell registers, where there are several.
const PORTS: [&str; SHELLS.len()] = ["1001", "1002", "1003"];

/// Where nobody answers: no system gives this port to a program that asks for any.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

fn all_installed(netcat: &str) -> bool {
    let netcat = netcat.split(' ').next().unwrap_or_default();
    need(netcat) && SHELLS.iter().all(|shell| need(shell[0]))
}

/// A script under a shell, in an environment that tells it no more than what to connect with.
fn script(shell: &[&str], name: &str, netcat: &str) -> Command {
    let mut script = Command::new(shell[0]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scripts")
        .join(name);
    script.args(&shell[1..]).arg(path).env("NC", netcat);
    for (name, _) in command().get_envs() {
        // What the harness keeps from the tracker.
        script.env_remove(name);
    }
    script
}

/// What a script that ends by itself says: exit code, standard output and standard error.
fn outcome(command: Command) -> (Option<i32>, String, String) {
    let mut program = Program::start(command);
    program.end_input();
    let code = program.wait().code();
    (
        code,
        program.output.wait_for_end(),
        program.errors.wait_for_end(),
    )
}

/// A register.sh that runs.
struct Registration {
    program: Program,
    folder: PathBuf,
}

impl Registration {
    fn start(shell: &[&str], netcat: &str, tracker: SocketAddr, arguments: &[&str]) -> Self {
        Self::start_with_password(PASSWORD, shell, netcat, tracker, arguments)
    }

    fn start_with_password(
        password: &str,
        shell: &[&str],
        netcat: &str,
        tracker: SocketAddr,
        arguments: &[&str],
    ) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("register-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir(&folder).unwrap();
        let mut command = script(shell, "register.sh", netcat);
        command
            .args(["-t", &tracker.to_string()])
            .args(arguments)
            .env("GLTRACKER_PASSWORD", password)
            .env("TMPDIR", &folder);
        // A password of the tests has no colon; a key is written name:secret.
        if let Some((name, secret)) = password.split_once(':') {
            command
                .env("GLTRACKER_KEY", name)
                .env("GLTRACKER_PASSWORD", secret);
        }
        let program = Program::start(command);
        Self { program, folder }
    }

    /// Stops it as an operator or a service manager does.
    fn stop(mut self) {
        self.program.terminate();
        self.ends_with(0);
    }

    /// Waits for its end, after which nothing may be left of it.
    fn ends_with(&mut self, code: i32) {
        assert_eq!(self.program.wait().code(), Some(code));
        self.program.wait_for_descendants();
        fs::remove_dir(&self.folder).expect("no file of it is left");
    }
}

/// True if the list has these lines, in whatever order.
fn holds(list: &[String], lines: &[String]) -> bool {
    list.len() == lines.len() && lines.iter().all(|line| list.contains(line))
}

/// One register.sh under each shell: they get on the list, change, survive the death of their
/// tracker, and are stopped.
fn a_life_over(netcat: &str) {
    if !all_installed(netcat) {
        return;
    }
    let slots = ["--max-slots", "80"];
    let mut tracker = TrackerProcess::start_at(own_address(), own_address(), &slots);
    let register = |(port, shell): (&str, &[&str])| {
        let description = "description=Friday \"cycles\" \\o/";
        let arguments = [port, "nbplayers=0", "zone=eu", description];
        Registration::start(shell, netcat, tracker.servers, &arguments)
    };
    let mut all: Vec<_> = PORTS.into_iter().zip(SHELLS).map(register).collect();
    let everywhere =
        |fields: &str| PORTS.map(|port| format!("INFOS ip=127.0.0.1 port={port} {fields}"));
    let description = "description=\"Friday \\\"cycles\\\" \\\\o/\"";
    let first = everywhere(&format!("nbplayers=0 {description} zone=eu"));
    tracker.wait_for_list(|list| holds(list, &first));
    for Registration { program, .. } in &mut all {
        program.errors.wait_for("register.sh: listed 127.0.0.1:100");
        // These may travel together; what the tracker refuses of it is reported, and no more.
        program.say("nbplayers=3 map=\"old town\"");
        program.say("zone=");
        program.say("maxplayers=many");
        program.errors.wait_for("refused: ERR bad-value maxplayers");
    }
    let changed = everywhere(&format!("nbplayers=3 {description} map=\"old town\""));
    tracker.wait_for_list(|list| holds(list, &changed));

    tracker.kill();
    for Registration { program, .. } in &mut all {
        program.errors.wait_for("register.sh: lost, retry in 1 s: ");
        program.say("nbplayers=4 map=");
        program.end_input();
    }
    let tracker = TrackerProcess::start_at(tracker.servers, tracker.clients, &slots);
    for port in PORTS {
        tracker.wait_for_log(&format!("event=listed address=127.0.0.1:{port} "));
    }
    let latest = everywhere(&format!("nbplayers=4 {description}"));
    tracker.wait_for_list(|list| holds(list, &latest));

    for (number, registration) in all.into_iter().enumerate() {
        registration.stop();
        tracker.wait_for_list(|list| holds(list, &latest[number + 1..]));
    }
}

#[test]
fn register_over_openbsd_netcat() {
    a_life_over("nc.openbsd");
}

#[test]
fn register_over_traditional_netcat() {
    a_life_over("nc.traditional");
}

#[test]
fn register_over_ncat() {
    a_life_over("ncat");
}

#[test]
fn register_over_busybox_netcat() {
    a_life_over("busybox nc");
}

#[test]
fn register_over_socat() {
    a_life_over("socat");
}

#[test]
fn register_logs_in_with_a_key_whose_secret_it_keeps_to_itself() {
    let keys = std::env::temp_dir().join(format!("gltracker-script-keys-{}", std::process::id()));
    // A secret of 65 bytes is one that HMAC hashes first.
    let long = "0123456789abcdef".repeat(4) + "x";
    fs::write(&keys, format!("alice between \\ us\nbob {long}\n")).unwrap();
    let tracker =
        TrackerProcess::start_with(&["--max-slots", "80", "--keys-file", keys.to_str().unwrap()]);
    for shell in SHELLS.into_iter().filter(|shell| need(shell[0])) {
        for netcat in NETCATS
            .into_iter()
            .filter(|netcat| all_installed(netcat))
            .take(1)
        {
            for key in ["alice:between \\ us", &format!("bob:{long}")] {
                let servers = tracker.servers;
                let listed =
                    Registration::start_with_password(key, shell, netcat, servers, &["7", "a=b"]);
                listed
                    .program
                    .errors
                    .wait_for("register.sh: listed 127.0.0.1:7");
                listed.stop();
                tracker.wait_for_list(<[String]>::is_empty);
            }
            let mut refused = Registration::start_with_password(
                "alice:another",
                shell,
                netcat,
                tracker.servers,
                &["7"],
            );
            refused
                .program
                .errors
                .wait_for("register.sh: refused: ERR bad-password");
            refused.ends_with(1);
        }
    }
    fs::remove_file(keys).unwrap();
}

/// The netcats with which register.sh takes datagrams.
const UDP_NETCATS: [&str; 3] = ["nc.openbsd", "ncat", "socat"];

#[test]
fn register_sends_back_what_comes_in_a_datagram() {
    let arguments = ["--max-slots", "80", "--require-check"];
    let tracker = TrackerProcess::start_distrustful(&arguments);
    // A host is sent few datagrams: each shell has a netcat of its own.
    for (shell, netcat) in SHELLS.into_iter().zip(UDP_NETCATS) {
        if !all_installed(netcat) {
            continue;
        }
        let port = free_udp_port();
        let pingport = format!("pingport={port}");
        let arguments = ["-u", "7", &pingport];
        let registration = Registration::start(shell, netcat, tracker.servers, &arguments);
        let errors = &registration.program.errors;
        errors.wait_for(&format!("checking udp 127.0.0.1:{port}"));
        errors.wait_for("register.sh: listed 127.0.0.1:7");
        let line = format!("INFOS ip=127.0.0.1 port=7 pingport={port} checked=yes");
        assert_eq!(tracker.list(), [line]);
        registration.stop();
        tracker.wait_for_list(<[String]>::is_empty);
    }
}

#[test]
fn register_says_when_it_cannot_have_the_udp_port() {
    let tracker = TrackerProcess::start();
    let game = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = game.local_addr().unwrap().port();
    for netcat in UDP_NETCATS.into_iter().filter(|nc| all_installed(nc)) {
        let arguments = ["-u", &port.to_string()];
        let registration = Registration::start(SHELLS[0], netcat, tracker.servers, &arguments);
        let errors = &registration.program.errors;
        errors.wait_for(&format!("UDP port {port} is in use"));
        errors.wait_for("register.sh: listed");
        registration.stop();
    }
}

#[test]
fn register_waits_as_long_as_it_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    for netcat in NETCATS.into_iter().filter(|nc| all_installed(nc)).take(1) {
        let registration = Registration::start(SHELLS[0], netcat, address, &["1"]);
        let mut tracker = Conversation::accept(&listener);
        tracker.line();
        let start = Instant::now();
        tracker.say("ERR too-many too many failed logins from your address; wait 3 s, or send the right password at once");
        drop(tracker);
        registration.program.errors.wait_for("retry in 4 s: ");
        drop(Conversation::accept(&listener));
        assert!(start.elapsed() >= Duration::from_secs(3));
        registration.stop();
    }
}

#[test]
fn register_says_why_it_was_refused_and_ends() {
    let tracker = TrackerProcess::start();
    for netcat in NETCATS.into_iter().filter(|netcat| all_installed(netcat)) {
        for shell in SHELLS {
            for (password, field, why) in [
                (
                    "wrong",
                    "zone=eu",
                    "ERR bad-password that is not a password",
                ),
                (
                    PASSWORD,
                    "nbplayers=many",
                    "ERR bad-value nbplayers must be a number",
                ),
                (
                    PASSWORD,
                    "checked=yes",
                    "ERR bad-value checked is the tracker's own word",
                ),
            ] {
                let servers = tracker.servers;
                let mut refused = Registration::start_with_password(
                    password,
                    shell,
                    netcat,
                    servers,
                    &["1", field],
                );
                refused
                    .program
                    .errors
                    .wait_for(&format!("register.sh: refused: {why}"));
                refused.ends_with(1);
            }
        }
    }
}

/// The other end of a register.sh: a tracker that can be made to say anything.
struct Conversation(BufReader<TcpStream>);

impl Conversation {
    fn accept(listener: &TcpListener) -> Self {
        Self(BufReader::new(accept(listener)))
    }

    /// The next line that is not empty.
    fn line(&mut self) -> String {
        let mut line = String::new();
        while line.trim_end().is_empty() {
            line.clear();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "it hung up");
        }
        line.trim_end_matches('\n').to_owned()
    }

    fn say(&mut self, line: &str) {
        writeln!(self.0.get_mut(), "{line}").unwrap();
    }
}

#[test]
fn register_takes_words_for_words_and_tries_again() {
    // These notice at once when they are hung up on.
    let netcats = ["nc.traditional", "busybox nc", "socat"];
    if netcats.into_iter().all(all_installed) {
        std::thread::scope(|scope| {
            for (shell, netcat) in SHELLS.into_iter().zip(netcats) {
                scope.spawn(move || talks_with_a_strange_tracker(shell, netcat));
            }
        });
    }
}

fn talks_with_a_strange_tracker(shell: &[&str], netcat: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let trap = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("trap-{}", address.port()));
    let bait = format!("$(touch {0}) `touch {0}` *", trap.display()).replace(' ', "${IFS}");
    let password = format!("two  words\\n%s {bait}");
    let fields = ["1", &format!("a={bait}"), "b=\\", "c=\\ \"", "d="];
    let mut registration =
        Registration::start_with_password(&password, shell, netcat, address, &fields);

    let mut tracker = Conversation::accept(&listener);
    assert_eq!(tracker.line(), format!("LOGIN {password}"));
    tracker.say("ERR busy come back later");
    drop(tracker);

    let mut tracker = Conversation::accept(&listener);
    assert_eq!(tracker.line(), format!("LOGIN {password}"));
    tracker.say(&format!("CHALLENGE {bait}"));
    let fields = format!("port=1 a={bait} b=\\ c=\"\\\\ \\\"\" d=");
    assert_eq!(tracker.line(), format!("INFOS {bait} {fields}"));
    tracker.say(&format!("OK listed {bait}"));
    for ping in [&bait, "1", "\\t%s", ""] {
        tracker.say(format!("PING {ping}").trim_end());
        assert_eq!(tracker.line(), format!("PONG {ping}").trim_end());
    }
    // A change that is never answered is not lost with the connection.
    registration.program.say("e=\"1 2\" f=3");
    assert_eq!(tracker.line(), "INFOS e=\"1 2\" f=3");
    tracker.say(&format!("\u{1b}]0;{bait}\u{7}"));
    drop(tracker);

    let mut tracker = Conversation::accept(&listener);
    assert_eq!(tracker.line(), format!("LOGIN {password}"));
    tracker.say("CHALLENGE 2");
    assert_eq!(tracker.line(), format!("INFOS 2 {fields}"));
    tracker.say("OK listed again");
    assert_eq!(tracker.line(), "INFOS e=\"1 2\" f=3");
    tracker.say("OK");
    tracker.say("ERR banned go away");
    registration.ends_with(1);
    let errors = registration.program.errors.wait_for_end();
    let expected = [
        "retry in 1 s: ERR busy come back later",
        &format!("listed {bait}"),
        "lost, retry in 2 s: ", // and what the netcat made of it
        "listed again",
        "refused: ERR banned go away",
    ];
    assert_eq!(errors.lines().count(), expected.len(), "{errors}");
    for (line, expected) in errors.lines().zip(expected) {
        assert!(
            line.starts_with(&format!("register.sh: {expected}")),
            "{errors}"
        );
    }
    let is_plain = |c: char| c == '\n' || !c.is_control();
    assert!(errors.chars().all(is_plain), "{errors:?}");
    assert!(!trap.exists(), "{shell:?} did what a tracker said");
}

#[test]
fn register_waits_longer_and_longer_and_can_be_stopped_meanwhile() {
    if !NETCATS.into_iter().all(all_installed) {
        return;
    }
    let start = Instant::now();
    let register = |shell| move |netcat| Registration::start(shell, netcat, NOBODY, &["1"]);
    let all = SHELLS
        .into_iter()
        .flat_map(|shell| NETCATS.map(register(shell)));
    for registration in all.collect::<Vec<_>>() {
        for wait in ["1", "2", "4"] {
            let line = format!("register.sh: retry in {wait} s: ");
            registration.program.errors.wait_for(&line);
        }
        assert!(start.elapsed() >= Duration::from_secs(1 + 2));
        registration.stop();
    }
}

#[test]
fn wrong_usage_is_exit_code_2_and_one_line() {
    let register = "register.sh";
    let list = "list.sh";
    for shell in SHELLS.into_iter().filter(|shell| need(shell[0])) {
        for (name, arguments, password, why) in [
            (
                register,
                &[][..],
                PASSWORD,
                "PORT is a number from 1 to 65535, not ''",
            ),
            (
                register,
                &["65536"],
                PASSWORD,
                "PORT is a number from 1 to 65535, not '65536'",
            ),
            (register, &["-p"], PASSWORD, "there is no flag -p"),
            (
                register,
                &["--map=x", "1"],
                PASSWORD,
                "there is no flag --map; a field has no dashes, and stands behind PORT",
            ),
            (
                register,
                &["1", "--map=x"],
                PASSWORD,
                "'--map=x' is not key=value: a field has no dashes",
            ),
            (
                register,
                &["-t", "::1", "1"],
                PASSWORD,
                "'::1' is not a tracker: an IPv6 address stands in brackets",
            ),
            (
                register,
                &["-t", "localhost:80000", "1"],
                PASSWORD,
                "'localhost:80000' is not a tracker: a port is a number from 1 to 65535",
            ),
            (
                register,
                &["-t", "a/b", "1"],
                PASSWORD,
                "'a/b' is not a tracker: write HOST or HOST:PORT",
            ),
            (
                register,
                &["-u", "80"],
                PASSWORD,
                "-u: trackers never check UDP ports below 1024; let another port answer: pingport=N",
            ),
            (register, &["-U", "x"], PASSWORD, "-U needs a UDP port"),
            (register, &["1", "x"], PASSWORD, "'x' is not key=value"),
            (register, &["-t"], PASSWORD, "-t needs HOST or HOST:PORT"),
            (
                register,
                &["1"],
                "",
                "the password belongs into GLTRACKER_PASSWORD",
            ),
            (list, &["-p"], "", "there is no flag -p"),
            (list, &["localhost", "x"], "", "'x' is not a filter"),
            (
                list,
                &["--speed=fast"],
                "",
                "there is no flag --speed; a filter has no dashes: speed=fast",
            ),
            (
                list,
                &["localhost", "maxplayers"],
                "",
                "'maxplayers' is not a filter; one with < or > stands in quotes: 'maxplayers>=8'",
            ),
            (
                list,
                &["::1"],
                "",
                "'::1' is not a tracker: an IPv6 address stands in brackets",
            ),
        ] {
            let mut command = script(shell, name, "false");
            command.args(arguments).env("GLTRACKER_PASSWORD", password);
            let line = format!("{name}: {why}; see {name} --help\n");
            assert_eq!(
                outcome(command),
                (Some(2), String::new(), line),
                "{shell:?}"
            );
        }
        for name in [register, list] {
            let mut command = script(shell, name, "false");
            command.arg("--help");
            let (code, output, errors) = outcome(command);
            assert_eq!((code, errors.as_str()), (Some(0), ""), "{shell:?}");
            assert!(
                output.starts_with("usage: ") && output.contains(name),
                "{output}"
            );
        }
    }
}

#[test]
fn a_netcat_that_is_not_there_is_said_and_not_waited_for() {
    for shell in SHELLS.into_iter().filter(|shell| need(shell[0])) {
        for (name, argument) in [("register.sh", "1"), ("list.sh", "localhost")] {
            let mut command = script(shell, name, "nosuch -x");
            command.arg(argument).env("GLTRACKER_PASSWORD", PASSWORD);
            let line = format!("{name}: there is no program nosuch; NC names the netcat to use\n");
            assert_eq!(
                outcome(command),
                (Some(3), String::new(), line),
                "{shell:?}"
            );
        }
    }
}

#[test]
fn scripts_ask_over_one_family_where_their_netcat_can() {
    let mut serve = command();
    serve.args(["--servers", "[::]:0", "--clients", "[::]:0"]);
    serve
        .args(["--max-slots", "80"])
        .env("GLTRACKER_PASSWORD", PASSWORD);
    let tracker = TrackerProcess::run(serve);
    let (servers, clients) = (tracker.servers.port(), tracker.clients.port());
    let netcats = NETCATS.into_iter().filter(|netcat| all_installed(netcat));
    for (shell, netcat) in SHELLS.into_iter().cycle().zip(netcats) {
        let knows_families = ["nc.openbsd", "ncat", "socat"].contains(&netcat);
        for (flag, other, ip) in [("-4", "--ipv6", "127.0.0.1"), ("-6", "--ipv4", "[::1]")] {
            let mut register = script(shell, "register.sh", netcat);
            register.args([flag, "-t", &format!("{ip}:{servers}"), "7"]);
            register.env("GLTRACKER_PASSWORD", PASSWORD);
            if !knows_families {
                let (code, _, errors) = outcome(register);
                assert_eq!(code, Some(3), "{errors}");
                assert!(
                    errors.contains("needs nc.openbsd, ncat or socat"),
                    "{errors}"
                );
                continue;
            }
            let registration = Program::start(register);
            registration.errors.wait_for(&format!("listed {ip}:7"));
            let list = |flag: &str, host: &str| {
                let mut list = script(shell, "list.sh", netcat);
                list.arg(flag)
                    .env("GLTRACKER_TRACKER", format!("{host}:{clients}, b"));
                outcome(list)
            };
            let (code, lines, errors) = list(flag, ip);
            assert_eq!(code, Some(0), "{netcat}: {errors}");
            assert!(lines.contains(" port=7"), "{lines}");
            assert!(
                errors.contains("only the first of GLTRACKER_TRACKER"),
                "{errors}"
            );
            let (code, _, errors) = list(other, ip);
            assert_eq!(code, Some(3), "{netcat} {other} {ip}: {errors}");
        }
    }
}

/// Bash 5.2 parses the inside of `$(…)` when it expands it, and does not run a trap that is due just
/// then: a SIGTERM was lost about once in a thousand.
#[test]
fn register_substitutes_no_command_in_a_way_that_loses_a_signal() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/register.sh");
    let script = fs::read_to_string(path).unwrap();
    let (_, after) = script.split_once("\ntrap ").expect("it catches signals");
    let code = after
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    for line in code {
        assert!(!line.replace("$((", "").contains("$("), "{line}");
    }
}

#[test]
fn register_ends_by_ctrl_c_as_one_that_was_ended_by_it() {
    if !need("tmux") || !all_installed("nc.openbsd") {
        return;
    }
    let tracker = TrackerProcess::start();
    for shell in SHELLS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/register.sh");
        let screen = Screen::run(&format!(
            "NC=nc.openbsd GLTRACKER_PASSWORD='{PASSWORD}' {} {} -t {} 7 \"map='x'\"",
            shell.join(" "),
            path.display(),
            tracker.servers
        ));
        screen.wait_to_see("players see the quotes");
        screen.wait_to_see("listed 127.0.0.1:7");
        screen.press(&["C-c"]);
        screen.wait_to_see("code 130");
        tracker.wait_for_list(<[String]>::is_empty);
    }
}

#[test]
fn register_proves_an_address_that_it_names() {
    let port = free_udp_port();
    // Linux alone has more addresses than one for itself.
    let netcats = UDP_NETCATS.into_iter().filter(|nc| all_installed(nc));
    for netcat in netcats.take(if cfg!(target_os = "linux") { 1 } else { 0 }) {
        let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80"]);
        let arguments = ["-u", &port, "ip=127.0.0.2"];
        let registration = Registration::start(SHELLS[0], netcat, tracker.servers, &arguments);
        let errors = &registration.program.errors;
        errors.wait_for(&format!("checking udp 127.0.0.2:{port}"));
        errors.wait_for(&format!("register.sh: listed 127.0.0.2:{port}"));
        registration.stop();
    }
}

/// A published port, as of a container, from which datagrams go on to another.
#[test]
fn register_takes_datagrams_at_the_port_to_which_its_own_is_mapped() {
    let tracker = TrackerProcess::start();
    for netcat in UDP_NETCATS.into_iter().filter(|nc| all_installed(nc)) {
        let published = UdpSocket::bind("127.0.0.1:0").unwrap();
        let told = published.local_addr().unwrap().port().to_string();
        let bound = free_udp_port();
        let inside = format!("127.0.0.1:{bound}");
        std::thread::spawn(move || {
            let proxy = UdpSocket::bind("127.0.0.1:0").unwrap();
            let mut buffer = [0; 300];
            while let Ok(count) = uninterrupted(|| published.recv(&mut buffer)) {
                let _ = proxy.send_to(&buffer[..count], &inside);
            }
        });
        let arguments = ["-U", &bound, &told];
        let registration = Registration::start(SHELLS[0], netcat, tracker.servers, &arguments);
        registration
            .program
            .errors
            .wait_for("checked: the UDP port");
        registration.stop();
    }
}

#[test]
fn a_port_that_is_never_checked_ends_register_where_only_checked_ones_are_listed() {
    let tracker = TrackerProcess::start_distrustful(&["--max-slots", "80", "--require-check"]);
    for netcat in NETCATS.into_iter().filter(|nc| all_installed(nc)).take(1) {
        let mut refused = Registration::start(SHELLS[0], netcat, tracker.servers, &["80"]);
        let errors = &refused.program.errors;
        errors.wait_for("refused: ERR unreachable this tracker lists only");
        refused.ends_with(1);
    }
}

#[test]
fn list_prints_the_list_or_says_why_not() {
    let tracker = TrackerProcess::start();
    let long = "x".repeat(255);
    let _others: Vec<_> = (1..=20)
        .map(|port| tracker.log_in(port, &format!("description={long} motd={long}")))
        .map(Peer::stay_alive)
        .collect();
    let fields = "nbplayers=3 maxplayers=8 map=\"old \\\"town\"";
    let _searched = tracker.log_in(21, fields).stay_alive();
    let all: String = tracker
        .list()
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    let searched = "INFOS ip=127.0.0.1 port=21 nbplayers=3 maxplayers=8 map=\"old \\\"town\"\n";
    let clients = tracker.clients.to_string();
    let servers = tracker.servers.to_string();
    let nobody = NOBODY.to_string();

    for netcat in NETCATS.into_iter().filter(|netcat| all_installed(netcat)) {
        for shell in SHELLS {
            let list = |arguments: &[&str]| {
                let mut command = script(shell, "list.sh", netcat);
                command.args(arguments);
                outcome(command)
            };
            let with = format!("{shell:?} and {netcat}");
            assert_eq!(
                list(&[&clients]),
                (Some(0), all.clone(), String::new()),
                "{with}"
            );
            for filter in [
                &["map=old \"town"][..],
                &["notempty", "notfull", "port>=21", "port<=21", "map!=new"],
            ] {
                let answer = list(&[&[clients.as_str()], filter].concat());
                assert_eq!(
                    answer,
                    (Some(0), searched.to_owned(), String::new()),
                    "{with}"
                );
            }
            for (arguments, exit, why) in [
                (
                    &[clients.as_str(), "nbplayers=9"][..],
                    1,
                    "no game server on the list satisfies these filters",
                ),
                (
                    &[clients.as_str(), "port>=many"],
                    1,
                    "ERR bad-value port is compared with",
                ),
                (&[servers.as_str()], 1, "ERR unknown-command"),
                (
                    &[nobody.as_str()],
                    3,
                    "no answer from 127.0.0.1:1; does a tracker listen there?",
                ),
            ] {
                let (code, output, errors) = list(arguments);
                assert_eq!(
                    (code, output.as_str()),
                    (Some(exit), ""),
                    "{with}: {errors}"
                );
                assert!(
                    errors.contains(&format!("list.sh: {why}")),
                    "{with}: {errors}"
                );
            }
        }
    }
}

#[test]
fn list_does_not_take_a_part_for_the_whole() {
    for shell in SHELLS.into_iter().filter(|_| all_installed("socat")) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut command = script(shell, "list.sh", "socat");
        command.arg(listener.local_addr().unwrap().to_string());
        let mut program = Program::start(command);
        let mut tracker = Conversation::accept(&listener);
        assert_eq!(
            (tracker.line(), tracker.line()),
            ("LIST".into(), "QUIT".into())
        );
        tracker.say("INFOS port=1 description=\u{1b}[2Jx");
        drop(tracker);
        assert_eq!(program.wait().code(), Some(3));
        assert_eq!(
            program.output.wait_for_end(),
            "INFOS port=1 description=[2Jx\n"
        );
        assert!(
            program
                .errors
                .wait_for_end()
                .contains("no complete answer from")
        );
    }
}

#[test]
fn list_finds_nobody_where_all_are_stale() {
    let stale = "INFOS port=1 description=x stale=yes";
    let live = "INFOS port=2 description=\"x stale=yes\"";
    for shell in SHELLS.into_iter().filter(|_| all_installed("socat")) {
        for (lines, code) in [(&[stale][..], 1), (&[stale, live], 0), (&[live], 0)] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut command = script(shell, "list.sh", "socat");
            command.arg(listener.local_addr().unwrap().to_string());
            let mut program = Program::start(command);
            let mut tracker = Conversation::accept(&listener);
            tracker.line();
            lines.iter().for_each(|line| tracker.say(line));
            tracker.say(&format!("END count={} rev=a-1", lines.len()));
            tracker.say("OK bye");
            drop(tracker);
            assert_eq!(program.wait().code(), Some(code), "{lines:?}");
        }
    }
}

#[test]
fn the_demonstration_runs_to_its_end() {
    for shell in SHELLS.into_iter().filter(|_| all_installed("nc")) {
        let mut command = script(shell, "demo.sh", "");
        command.arg(gltracker());
        let (code, output, errors) = outcome(command);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{output}");
        for part in [
            "register.sh: listed 127.0.0.1:23462\n",
            "port=23460 nbplayers=0 maxplayers=8 speed=fast description=\"Friday cycles\"\n",
            "port=23460 nbplayers=3 maxplayers=8 speed=fast description=\"Friday cycles\" map=town\n",
            "== That was all.",
        ] {
            assert!(output.contains(part), "{part}: {output}");
        }
        let times = |part: &str| output.matches(part).count();
        assert_eq!(
            (times(" port=23461 "), times(" port=23462 ")),
            (2, 2),
            "{output}"
        );
    }
}

#[test]
fn the_readme_shows_what_a_recorded_session_begins_with() {
    if !need("dash") || !need("tmux") || !need("perl") {
        return;
    }
    let mut command = script(&["dash"], "record-demo.sh", "");
    // It has deadlines of its own, and ends what it has started.
    let said = command.arg(gltracker()).output().unwrap();
    let [output, errors] = [said.stdout, said.stderr].map(|said| String::from_utf8(said).unwrap());
    assert_eq!((said.status.code(), &*errors), (Some(0), ""), "{output}");
    // All but the pings, which are this machine's.
    let words = |picture: &str| {
        let words = picture.split_whitespace();
        let words = words.filter(|word| word.trim_end_matches('!').parse::<f64>().is_err());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let frames: Vec<&str> = output.split("\n== ").collect();
    assert_eq!(frames.len(), 1 + 6, "{output}");
    let (title, first) = frames[1].split_once('\n').unwrap();
    assert_eq!(title, "The nearest come first");
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(readme).unwrap();
    assert!(readme.contains(&format!("\n    {}", frames[0])), "{output}");
    let picture = &readme[readme.find("    ★ name").unwrap()..];
    let (picture, _) = picture.split_once("\n\nThe list is text").unwrap();
    assert_eq!(words(picture), words(first), "{output}");
    for part in [
        "  description     Friday cycles\n",
        "★ Friday cycles  ",
        "only favourites",
    ] {
        assert!(output.contains(part), "{part}: {output}");
    }
    assert!(!output.contains("127.0.0.1"), "{output}");
}

#[test]
fn a_build_is_tried_with_the_first_screen_and_nothing_less() {
    // A build whose own list shows nothing.
    let blind = r#"[ "$1" = list ] || exec "$0" "$@""#;
    for shell in SHELLS.into_iter().filter(|_| all_installed("nc")) {
        let tried = |runner: &[&str]| {
            let mut command = script(shell, "try-binary.sh", "");
            command.arg(gltracker()).args(runner);
            outcome(command)
        };
        let (code, output, errors) = tried(&[]);
        assert_eq!((code, &*errors), (Some(0), ""), "{output}");
        assert!(output.contains("went through the first screen"), "{output}");
        let (code, output, errors) = tried(&["sh", "-c", blind]);
        assert_eq!((code, &*output), (Some(1), ""), "{errors}");
        assert!(errors.contains("its own list does not show"), "{errors}");
    }
}
