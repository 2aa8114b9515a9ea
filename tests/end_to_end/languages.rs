//! The languages of `scripts/examples`, and how their programs are made and run.

use crate::harness::{PASSWORD, TrackerProcess, command, own_address};
use crate::hosts::Host;
use crate::patience::wait_until;
use crate::tools::{Program, need, path};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The examples in one language.
pub(crate) struct Language {
    folder: &'static str,
    /// What must be installed.
    tool: &'static str,
    /// What makes or checks programs before they run: commands in this folder.
    prepare: &'static [&'static str],
    /// The commands that run them. In all of these `{here}` is this folder and `{made}` is another.
    game_server: &'static str,
    client: &'static str,
    /// True if the standard library has HMAC-SHA256, so that a game server can log in with a key.
    pub(crate) has_keys: bool,
    /// True if a program is told all addresses of a name, and not only one of each family.
    pub(crate) knows_all_addresses: bool,
}

const C: Language = Language {
    folder: "c",
    tool: "cc",
    prepare: &[
        "cc -std=c99 -Wall -Wextra -Wpedantic -Werror -O1 -o {made}/game-server game-server.c",
        "cc -std=c99 -Wall -Wextra -Wpedantic -Werror -O1 -o {made}/client client.c",
    ],
    game_server: "{made}/game-server",
    client: "{made}/client",
    has_keys: false,
    knows_all_addresses: true,
};

const GO: Language = Language {
    folder: "go",
    tool: "go",
    prepare: &["go vet ./...", "go build -o {made} ./..."],
    game_server: "{made}/game-server",
    client: "{made}/client",
    has_keys: true,
    knows_all_addresses: true,
};

/// Its engine prints two lines about itself first. Tabs do not separate words.
const GDSCRIPT: Language = Language {
    folder: "gdscript",
    tool: "godot3-server",
    prepare: &[],
    game_server: "bash -c exec\tgodot3-server\t--path\t\"$0\"\t-s\t\"$@\"\t>\t>(sed\t-u\t1,2d) {here} game-server.gd",
    client: "bash -c exec\tgodot3-server\t--path\t\"$0\"\t-s\t\"$@\"\t>\t>(sed\t-u\t1,2d) {here} client.gd",
    has_keys: false,
    knows_all_addresses: false,
};

const JAVASCRIPT: Language = Language {
    folder: "javascript",
    tool: "node",
    prepare: &[],
    game_server: "node {here}/game-server.mjs",
    client: "node {here}/client.mjs",
    has_keys: true,
    knows_all_addresses: true,
};

const LUA: Language = Language {
    folder: "lua",
    tool: "lua5.4",
    prepare: &[
        "luac5.4 -p client.lua",
        "luac5.4 -p game-server.lua",
        "luac5.4 -p gltracker.lua",
        "luac5.4 -p listing.lua",
        "luac5.4 -p serverlist.lua",
    ],
    game_server: "lua5.4 {here}/game-server.lua",
    client: "lua5.4 {here}/client.lua",
    has_keys: false,
    knows_all_addresses: true,
};

const PYTHON: Language = Language {
    folder: "python",
    tool: "python3",
    prepare: &[],
    game_server: "python3 -B -W error {here}/game-server.py",
    client: "python3 -B -W error {here}/client.py",
    has_keys: true,
    knows_all_addresses: true,
};

/// Has `story` happen in each language that is installed here. They do not wait for each other, since
/// most of a story is waiting.
pub(crate) fn in_each_language(story: impl Fn(&Language) + Sync) {
    let test = std::thread::current();
    let test = test.name().unwrap_or_default();
    std::thread::scope(|scope| {
        for language in [&C, &GDSCRIPT, &GO, &JAVASCRIPT, &LUA, &PYTHON] {
            let thread = std::thread::Builder::new().name(format!("{test} in {}", language.folder));
            let told = thread.spawn_scoped(scope, || {
                if language.is_here() {
                    story(language);
                }
            });
            told.unwrap();
        }
    });
}

impl Language {
    /// Where its programs are made.
    fn made(&self) -> PathBuf {
        let name = format!("{}/examples/{}", env!("CARGO_TARGET_TMPDIR"), self.folder);
        PathBuf::from(name)
    }

    /// `words` in its folder, in an environment that tells them nothing.
    fn command(&self, words: &str) -> Command {
        let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/examples/");
        let here = format!("{examples}{}", self.folder);
        let words = words.replace("{made}", &self.made().to_string_lossy());
        let words = words.replace("{here}", &here);
        let mut words = words.split(' ');
        let mut program = Command::new(words.next().unwrap_or_default());
        program.args(words).env("PATH", path()).current_dir(here);
        program.env("GOCACHE", self.made().join("cache"));
        program.env("XDG_DATA_HOME", self.made());
        for (name, _) in command().get_envs() {
            program.env_remove(name);
        }
        program
    }

    /// True if its programs are ready to run, for which they are made once.
    fn is_here(&self) -> bool {
        static READY: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
        if !need(self.tool) {
            return false;
        }
        let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
        if !ready.contains(self.folder) {
            std::fs::create_dir_all(self.made()).unwrap();
            for words in self.prepare {
                // A compiler takes long on a machine that has never used it: no deadline is right.
                let output = self.command(words).output().unwrap();
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(
                    output.status.success() && errors.is_empty(),
                    "{words}: {errors}"
                );
            }
            ready.insert(self.folder);
        }
        true
    }

    /// Starts its game server.
    pub(crate) fn game_server(
        &self,
        tracker: SocketAddr,
        password: &str,
        words: &[&str],
    ) -> Program {
        let mut command = self.command(self.game_server);
        command.arg(tracker.to_string()).args(words);
        // A password of the tests has no colon; a key is written name:secret.
        match password.split_once(':') {
            Some((name, secret)) => {
                command.envs([("GLTRACKER_KEY", name), ("GLTRACKER_PASSWORD", secret)])
            }
            None => command.env("GLTRACKER_PASSWORD", password),
        };
        Program::start(command)
    }

    /// Starts its client.
    pub(crate) fn client(&self, tracker: SocketAddr, words: &[&str]) -> Program {
        let mut command = self.command(self.client);
        command.arg(tracker.to_string()).args(words);
        Program::start(command)
    }

    /// Starts its game server on a host.
    pub(crate) fn game_server_on(&self, host: &Host, words: &[&str]) -> Program {
        let mut command = self.command(self.game_server);
        command.args(words).env("GLTRACKER_PASSWORD", PASSWORD);
        Program::start(host.run_here(&command))
    }

    /// What its client prints on a host.
    pub(crate) fn list_on(&self, host: &Host, words: &[&str]) -> String {
        let mut command = self.command(self.client);
        command.args(words);
        Program::start(host.run_here(&command))
            .output
            .wait_for_end()
    }

    /// What its client prints that asks once.
    pub(crate) fn list(&self, tracker: SocketAddr, conditions: &[&str]) -> (Option<i32>, String) {
        let mut client = self.client(tracker, &[&["list"], conditions].concat());
        (client.wait().code(), client.output.wait_for_end())
    }
}

/// Words with an awkward value among them, as an argument and as the tracker spells it.
pub(crate) const AWKWARD: [&str; 2] = [
    "description=Friday \"cycles\" \\o/ <b>",
    "description=\"Friday \\\"cycles\\\" \\\\o/ <b>\"",
];

/// A tracker at an address of its own.
pub(crate) fn tracker(arguments: &[&str]) -> TrackerProcess {
    let arguments = [&["--max-slots", "80"], arguments].concat();
    TrackerProcess::start_at(own_address(), own_address(), &arguments)
}

/// Waits until a program has printed a line so often.
pub(crate) fn wait_for_lines(program: &Program, line: &str, times: usize) {
    wait_until(&format!("{line:?} was printed {times} times"), || {
        let text = program.output.text();
        let count = text.lines().filter(|printed| *printed == line).count();
        (count >= times).then_some(())
    });
}

/// The next line; empty at the end.
pub(crate) fn line_from(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
