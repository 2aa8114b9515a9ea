//! The man page and the completions, as the programs see them that they are made for.

use crate::harness::{command, gltracker, outcome};
use crate::screen::Screen;
use crate::skips::skip;
use crate::tools::need;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// What is typed, how it goes on, and what that completes it to.
const COMPLETED: [(&str, &str, &str); 12] = [
    ("gltracker ", "bro", "browse"),
    ("gltracker completions ", "fi", "fish"),
    ("gltracker announce ", "--al", "--alive"),
    ("gltracker ", "--log-level=de", "--log-level=debug"),
    ("gltracker announce --ask ", "qu", "quake3"),
    ("gltracker list --sort ", "pl", "players"),
    ("gltracker list tracker.example ", "note", "notempty"),
    ("gltracker announce tracker.example ", "nb", "nbplayers="),
    ("gltracker announce tracker.example ", "ip", "ip="),
    ("gltracker --password-file ", "pass", "passwords"),
    ("gltracker serve --publish ", "publi", "published"),
    ("gltracker announce --port 1 -- ", "mkfif", "mkfifo"),
];

/// Types each line into a shell, which `start` starts behind what is to be completed there, and presses Tab.
fn complete_in(start: &str) {
    let files = "touch passwords publish.txt; mkdir published";
    let screen = Screen::run(&format!(
        "{files}; program={}; export PS1='ready> '; {start}",
        gltracker()
    ));
    screen.wait_to_see("ready>");
    for (before, typed, completed) in COMPLETED {
        screen.press(&["C-u", &format!("{before}{typed}"), "Tab"]);
        screen.wait_to_see(&format!("ready> {before}{completed}"));
    }
}

#[test]
fn bash_completes_what_is_typed() {
    if need("bash") && need("tmux") {
        // Some systems have a prompt for everybody.
        complete_in(
            "$program completions bash > rc; echo \"PS1='ready> '\" >> rc; \
             bash --noprofile --rcfile rc -i",
        );
    }
}

#[test]
fn zsh_completes_what_is_typed() {
    if need("zsh") && need("tmux") {
        complete_in(
            "mkdir own; $program completions zsh > own/_gltracker; \
             echo 'fpath=(own $fpath); autoload -U compinit; compinit -u -D; bindkey -e' > .zshrc; \
             ZDOTDIR=. zsh --no-globalrcs -i",
        );
    }
}

/// Whoever sources the script has it too.
#[test]
fn zsh_takes_the_script_into_its_own_settings() {
    if need("zsh") && need("tmux") {
        complete_in(
            "$program completions zsh > own.zsh; \
             echo 'autoload -U compinit; compinit -u -D; source own.zsh; bindkey -e' > .zshrc; \
             ZDOTDIR=. zsh --no-globalrcs -i",
        );
    }
}

#[test]
fn fish_completes_what_is_typed() {
    if !need("fish") {
        return;
    }
    let home = folder("fish");
    fs::write(home.join("passwords"), "").unwrap();
    fs::write(home.join("publish.txt"), "").unwrap();
    fs::create_dir(home.join("published")).unwrap();
    fs::write(home.join("own.fish"), printed(&["completions", "fish"])).unwrap();
    for (before, typed, completed) in COMPLETED {
        let mut fish = Command::new("fish");
        fish.args(["--no-config", "-c", "source own.fish; complete -C $argv[1]"]);
        fish.arg(format!("{before}{typed}"))
            .env("HOME", &home)
            .current_dir(&home);
        let Output { stdout, stderr, .. } = outcome(fish);
        let said = String::from_utf8_lossy(&stdout);
        let offered = said.lines().filter_map(|line| line.split('\t').next());
        let offered: Vec<&str> = offered.map(|word| word.trim_end_matches('/')).collect();
        assert_eq!(
            offered,
            [completed],
            "{before}{typed}: {}",
            String::from_utf8_lossy(&stderr)
        );
    }
    fs::remove_dir_all(home).unwrap();
}

#[test]
fn the_man_page_is_right_for_those_who_show_it() {
    let home = folder("man");
    let page = home.join("gltracker.1");
    fs::write(&page, printed(&["man"])).unwrap();
    if need("mandoc") {
        let mut mandoc = Command::new("mandoc");
        mandoc.arg("-Tlint").arg(&page);
        let output = outcome(mandoc);
        let said = [output.stdout, output.stderr].concat();
        assert_eq!(String::from_utf8_lossy(&said), "");
    }
    if need("man") {
        let mut man = Command::new("man");
        man.args(["--warnings", "-l"]).arg(&page);
        man.env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8");
        let output = outcome(man);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let shown = String::from_utf8(output.stdout).unwrap();
        for part in [
            "NAME\n       gltracker - a tracker",
            "gltracker list [TRACKER...] [CONDITION...] [FLAGS]\n",
            "\n              gltracker browse tracker.example --exec 'game --connect {ip}:{port}'\n",
            "\n       --slot-shares P:L:C:W\n",
            "\n              source <(gltracker completions bash)\n",
            "~/.config/gltracker/games",
        ] {
            assert!(shown.contains(part), "{part}\n{shown}");
        }
    }
    fs::remove_dir_all(home).unwrap();
}

#[test]
fn a_page_that_cannot_be_written_is_not_there() {
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else {
        return skip("/dev/full");
    };
    let mut command = command();
    command.arg("man").stdout(full);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("the text cannot be written"), "{said}");
}

/// What the program prints.
fn printed(words: &[&str]) -> Vec<u8> {
    let mut command = command();
    command.args(words);
    outcome(command).stdout
}

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("gltracker-manual-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}
