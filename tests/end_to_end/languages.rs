//! The languages of `scripts/examples`, and how their programs are made and run.

use crate::harness::{command, outcome};
use crate::tools::{Program, need, path};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The examples in one language.
pub(crate) struct Language {
    folder: &'static str,
    /// What must be installed.
    tool: &'static str,
    /// What makes or checks programs before they run: commands, in which `{made}` is a folder.
    prepare: &'static [&'static str],
    /// The commands that run them.
    game_server: &'static str,
    client: &'static str,
    /// True if the standard library has HMAC-SHA256, so that a game server can log in with a key.
    pub(crate) has_keys: bool,
}

pub(crate) const C: Language = Language {
    folder: "c",
    tool: "cc",
    prepare: &[
        "cc -std=c99 -Wall -Wextra -Wpedantic -Werror -O1 -o {made}/game-server game-server.c",
        "cc -std=c99 -Wall -Wextra -Wpedantic -Werror -O1 -o {made}/client client.c",
    ],
    game_server: "{made}/game-server",
    client: "{made}/client",
    has_keys: false,
};

pub(crate) const GO: Language = Language {
    folder: "go",
    tool: "go",
    prepare: &["go vet ./...", "go build -o {made} ./..."],
    game_server: "{made}/game-server",
    client: "{made}/client",
    has_keys: true,
};

/// Its engine prints two lines about itself first. Tabs do not separate words.
pub(crate) const GDSCRIPT: Language = Language {
    folder: "gdscript",
    tool: "godot3-server",
    prepare: &[],
    game_server: "bash -c exec\tgodot3-server\t-s\t\"$@\"\t>\t>(sed\t-u\t1,2d) sh game-server.gd",
    client: "bash -c exec\tgodot3-server\t-s\t\"$@\"\t>\t>(sed\t-u\t1,2d) sh client.gd",
    has_keys: false,
};

pub(crate) const JAVASCRIPT: Language = Language {
    folder: "javascript",
    tool: "node",
    prepare: &[],
    game_server: "node game-server.mjs",
    client: "node client.mjs",
    has_keys: true,
};

pub(crate) const LUA: Language = Language {
    folder: "lua",
    tool: "lua5.4",
    prepare: &[
        "luac5.4 -p client.lua",
        "luac5.4 -p game-server.lua",
        "luac5.4 -p gltracker.lua",
        "luac5.4 -p listing.lua",
        "luac5.4 -p serverlist.lua",
    ],
    game_server: "lua5.4 game-server.lua",
    client: "lua5.4 client.lua",
    has_keys: false,
};

pub(crate) const PYTHON: Language = Language {
    folder: "python",
    tool: "python3",
    prepare: &[],
    game_server: "python3 -B -W error game-server.py",
    client: "python3 -B -W error client.py",
    has_keys: true,
};

impl Language {
    /// Where its programs are made.
    fn made(&self) -> PathBuf {
        let name = format!("{}/examples/{}", env!("CARGO_TARGET_TMPDIR"), self.folder);
        PathBuf::from(name)
    }

    /// `words` in its folder, in an environment that tells them nothing.
    fn command(&self, words: &str) -> Command {
        let words = words.replace("{made}", &self.made().to_string_lossy());
        let mut words = words.split(' ');
        let mut program = Command::new(words.next().unwrap_or_default());
        let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/examples/");
        program.args(words).env("PATH", path());
        program.current_dir(format!("{examples}{}", self.folder));
        program.env("GOCACHE", self.made().join("cache"));
        program.env("XDG_DATA_HOME", self.made());
        for (name, _) in command().get_envs() {
            program.env_remove(name);
        }
        program
    }

    /// True if its programs are ready to run, for which they are made once.
    pub(crate) fn is_here(&self) -> bool {
        static READY: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
        if !need(self.tool) {
            return false;
        }
        let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
        if !ready.contains(self.folder) {
            std::fs::create_dir_all(self.made()).unwrap();
            for words in self.prepare {
                let output = outcome(self.command(words));
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

    /// What its client prints that asks once.
    pub(crate) fn list(&self, tracker: SocketAddr, conditions: &[&str]) -> (Option<i32>, String) {
        let mut client = self.client(tracker, &[&["list"], conditions].concat());
        (client.wait().code(), client.output.wait_for_end())
    }
}
