//! The house of the source: which file may import which, held against their texts.

mod layout;
mod ring_0;
mod source;

use layout::Layout;
use std::fs;
use std::path::Path;

/// They have the wire between them, and nothing else in common.
const PARTIES: [&str; 3] = ["tracker", "game_server", "client"];

#[test]
fn files_import_only_what_stands_above_them_and_folders_are_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut texts = Vec::new();
    read(&root, &root, &mut texts);
    assert!(texts.len() > 100, "{} files", texts.len());
    let faults = Layout::of(&texts).faults(&PARTIES);
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// All files of the library below `folder`.
fn read(root: &Path, folder: &Path, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, texts);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("main.rs") {
            let parts = path.strip_prefix(root).unwrap().iter();
            let parts: Vec<_> = parts.map(|part| part.to_str().unwrap()).collect();
            texts.push((parts.join("/"), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The faults of a tree that is made up.
fn faults(texts: &[(&str, &str)]) -> Vec<String> {
    let texts = texts
        .iter()
        .map(|(path, text)| ((*path).into(), (*text).into()));
    Layout::of(&texts.collect::<Vec<_>>()).faults(&["one", "other"])
}

const NONE: [&str; 0] = [];

#[test]
fn what_stands_above_may_be_imported_and_nothing_else() {
    let lib = ("lib.rs", "mod a;\n\npub mod b;");
    assert_eq!(
        faults(&[lib, ("a.rs", ""), ("b.rs", "use crate::a::X;")]),
        NONE
    );
    let up = "a.rs imports b.rs, which does not stand above it";
    for import in [
        "use crate::b::X;",
        "use super::b;",
        "use super::{b::{X, Y}};",
        "use crate::{\n    // A comment.\n    b::{\n        X,\n    },\n};",
        "use crate::b as other;",
        "pub(crate) use crate::b::*;",
        "fn f() -> crate::b::X { let c = '\\''; \"//\"; super::b::X }",
        "mod inner { use super::super::b::X; }",
        "#[cfg(not(test))] use super::b::X;",
        "#[cfg(test)] mod tests { fn f() {} } use super::b::X;",
        "fn f<'a>(_: &'a str) -> super::b::X<'a> { r#\"\"\"#; }",
    ] {
        assert_eq!(
            faults(&[lib, ("a.rs", import), ("b.rs", "")]),
            [up],
            "{import}"
        );
    }
    for text in [
        "// use super::b::X;",
        "/* use super::b::X; */ /// [`X`](super::b::X)",
        "const X: &str = \"use super::b::X;\"; const Y: &str = r#\"super::b::X \" super::b::X\"#;",
        "#[cfg(test)]\n#[path = \"x\"]\nmod tests { use super::super::b::X; fn f() { {} } }",
        "#[cfg(all(test, unix))] use super::b::{X, Y};",
        "#[cfg(test)] fn f() -> [u8; 2] { super::b::X }",
        "pub(in crate::b) fn f() {}",
        "use b::X; use std::b::X; use self::X; use super::a::X; fn f() -> impl X + use<'_> {}",
    ] {
        assert_eq!(faults(&[lib, ("a.rs", text), ("b.rs", "")]), NONE, "{text}");
    }
}

#[test]
fn a_circle_is_found_wherever_it_stands() {
    let texts = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use super::b::X;"),
        ("b.rs", "use super::a::Y;"),
    ];
    assert_eq!(
        faults(&texts),
        ["a.rs imports b.rs, which does not stand above it"]
    );
    let texts = [
        ("lib.rs", "mod a;"),
        (
            "a/mod.rs",
            "mod b; mod c; pub use b::B; use c::C; pub struct A;",
        ),
        ("a/b.rs", "use super::A;"),
        ("a/c.rs", "use super::B; use crate::a::B as Other;"),
    ];
    assert_eq!(
        faults(&texts),
        ["a/b.rs imports a/mod.rs, which does not stand above it"]
    );
}

#[test]
fn folders_stand_where_they_are_declared_and_names_where_they_come_from() {
    let lib = ("lib.rs", "mod a; mod b; pub(crate) use a::deep;");
    let texts = [
        lib,
        (
            "a/mod.rs",
            "mod deep; mod high; pub use deep::X; pub use high::X as Y;",
        ),
        ("a/deep.rs", "use super::super::b::B; use super::Y;"),
        ("a/high.rs", "use super::X;"),
        ("b/mod.rs", "mod c; pub struct B;"),
        (
            "b/c.rs",
            "use crate::deep::X; use crate::a::high; use super::super::a::X;",
        ),
    ];
    assert_eq!(
        faults(&texts),
        [
            "a/deep.rs imports a/high.rs, which does not stand above it",
            "a/deep.rs imports b/mod.rs, which does not stand above it",
        ]
    );
}

#[test]
fn parties_do_not_import_each_other_and_every_file_is_declared() {
    let texts = [
        ("lib.rs", "mod free; mod one; mod other;"),
        ("free/mod.rs", "mod a; mod b;"),
        ("free/a.rs", "use super::b::X; use crate::one::X;"),
        ("free/b.rs", "use super::a::X;"),
        ("one.rs", "use crate::free::X;"),
        ("other.rs", "use crate::one::X;"),
        ("lost.rs", ""),
    ];
    assert_eq!(
        faults(&texts),
        [
            "free/a.rs imports free/b.rs, which does not stand above it",
            "free/a.rs imports one.rs, which does not stand above it",
            "lost.rs is not declared",
            "other.rs imports one.rs, which is another party",
        ]
    );
}

#[test]
fn a_folder_has_ten_entries_at_the_most() {
    let names: Vec<String> = (0..10).map(|n| format!("m{n}")).collect();
    let mods: String = names.iter().map(|name| format!("mod {name};")).collect();
    let paths = names.iter().map(|name| format!("a/{name}.rs"));
    let mut paths: Vec<String> = paths.collect();
    paths[0] = "a/m0/mod.rs".to_owned();
    let mut texts = vec![("lib.rs", "mod a;"), ("a/mod.rs", mods.as_str())];
    texts.extend(paths.iter().map(|path| (path.as_str(), "")));
    assert_eq!(faults(&texts), ["the folder 'a' has 11 entries"]);
    texts.pop();
    assert_eq!(faults(&texts), NONE);
}
