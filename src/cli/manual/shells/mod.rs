//! What completes command lines in a shell: a file for each.

mod bash;

mod fish;

mod zsh;

use super::page::Page;

/// Writes the script of a shell.
type Write = fn(&[&Page]) -> String;

const SHELLS: [(&str, Write); 3] = [
    ("bash", bash::script),
    ("zsh", zsh::script),
    ("fish", fish::script),
];

/// The script for `shell` that completes these commands, of which the first is meant where none is named.
///
/// # Errors
/// Which shells there are.
pub(in crate::cli) fn completions(shell: &str, pages: &[&Page]) -> Result<String, String> {
    let write = SHELLS.iter().find(|(name, _)| *name == shell);
    let names = SHELLS.map(|(name, _)| name).join(", ");
    write
        .map(|(_, write)| write(pages))
        .ok_or_else(|| match shell {
            "" => format!("name a shell: there are {names}"),
            _ => format!(
                "there is no shell '{}'; there are {names}",
                shell.escape_debug()
            ),
        })
}
