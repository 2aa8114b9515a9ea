//! A real terminal, which is tmux.

use crate::patience::wait_until;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A tmux server of its own with one window, and a folder. Both are removed when it is dropped.
pub(crate) struct Screen {
    socket: String,
    home: PathBuf,
}

impl Screen {
    /// Runs `command` in a terminal of 80 by 24, and shows its exit code.
    pub(crate) fn run(command: &str) -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let socket = format!("gltracker-{}-{number}", std::process::id());
        let home = std::env::temp_dir().join(&socket);
        std::fs::create_dir_all(&home).unwrap();
        let screen = Self { socket, home };
        let home = screen.home.display();
        // The shell outlives Ctrl-C, and says whether the terminal is as it was.
        let command = format!(
            "trap : INT; export XDG_DATA_HOME={home} XDG_CONFIG_HOME={home}; cd {home}; before=$(stty -g); {command}; \
             echo \"code $?\"; [ \"$before\" = \"$(stty -g)\" ] && echo same settings; \
             exec sleep 60"
        );
        screen.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "80",
            "-y",
            "24",
            &command,
        ]);
        screen
    }

    pub(crate) fn tmux(&self, arguments: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        // That of a user who may not log in runs nothing.
        tmux.env("SHELL", "/bin/sh");
        let output = tmux.args(["-L", &self.socket]).args(arguments).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    pub(crate) fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// A file in the folder in which the command runs.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// The screen as soon as `is_right` holds for it.
    pub(crate) fn wait_for(&self, what: &str, mut is_right: impl FnMut(&str) -> bool) -> String {
        wait_until(what, || Some(self.text()).filter(|text| is_right(text)))
    }

    pub(crate) fn wait_to_see(&self, part: &str) -> String {
        self.wait_for(part, |text| text.contains(part))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the screen:\n{}", self.text());
        }
        self.tmux(&["kill-server"]);
        let _ = std::fs::remove_dir_all(&self.home);
    }
}
