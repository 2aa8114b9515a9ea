//! The rules of a source tree: where a file stands, and whom it may import.
//!
//! A folder is read from top to bottom, in the order of its `mod` lines: each file imports only what
//! stands above it, and the file of a folder comes after all that is in it. A circle has at least one
//! import that breaks this. Names that a folder passes on with `pub use` count as what they stand for.
//!
//! Empty lines between `mod` lines keep their order: rustfmt sorts those that stand together.

use crate::source::Source;
use std::collections::{BTreeMap, BTreeSet};

/// The most entries of a folder.
const MAX_ENTRIES: usize = 10;

/// A module's path from the root.
type Module = Vec<String>;

/// A source tree.
pub(crate) struct Layout {
    files: BTreeMap<Module, File>,
    /// Paths below the root, for the count of entries.
    paths: Vec<String>,
}

struct File {
    path: String,
    source: Source,
    /// Sorts files as they are read. Nobody declares a file without one.
    place: Option<Vec<usize>>,
}

impl Layout {
    /// Reads the files of a tree, each with its path below the root, where `lib.rs` is.
    pub(crate) fn of(texts: &[(String, String)]) -> Self {
        let files = texts.iter().map(|(path, text)| {
            let file = File {
                path: path.clone(),
                source: Source::read(text),
                place: None,
            };
            (module_of(path), file)
        });
        let mut layout = Self {
            files: files.collect(),
            paths: texts.iter().map(|(path, _)| path.clone()).collect(),
        };
        layout.put_in_place(&Vec::new(), &[]);
        layout
    }

    fn put_in_place(&mut self, module: &Module, place: &[usize]) {
        let Some(file) = self.files.get_mut(module) else {
            return;
        };
        file.place = Some([place, &[usize::MAX]].concat());
        for (number, child) in file.source.children.clone().into_iter().enumerate() {
            self.put_in_place(&joined(module, &child), &[place, &[number]].concat());
        }
    }

    /// What breaks the rules. `parties` never import each other.
    pub(crate) fn faults(&self, parties: &[&str]) -> Vec<String> {
        let mut faults = BTreeSet::new();
        for (module, file) in &self.files {
            for (path, inline) in &file.source.paths {
                let from = [&module[..], inline].concat();
                let target = self.absolute(path, &from).and_then(|path| self.find(&path));
                let Some((target, other)) = target.filter(|(target, _)| *target != module) else {
                    continue;
                };
                let (mine, theirs) = (top(module), top(target));
                let line = format!("{} imports {}", file.path, other.path);
                if mine != theirs && parties.contains(&mine) && parties.contains(&theirs) {
                    faults.insert(format!("{line}, which is another party"));
                }
                // Without a place it is not part of the program, which is said below.
                if file.place.is_some() && other.place > file.place {
                    faults.insert(format!("{line}, which does not stand above it"));
                }
            }
            if file.place.is_none() && !is_for_tests(module) {
                faults.insert(format!("{} is not declared", file.path));
            }
        }
        for (folder, entries) in self.folders() {
            if entries.len() > MAX_ENTRIES {
                let count = entries.len();
                faults.insert(format!("the folder '{folder}' has {count} entries"));
            }
        }
        faults.into_iter().collect()
    }

    /// A path from the root; `None` if it leads out of this program.
    fn absolute(&self, path: &[String], from: &[String]) -> Option<Vec<String>> {
        let mut base = from.to_vec();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => (base, rest) = (Vec::new(), &path[1..]),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    base.pop()?;
                    rest = &rest[1..];
                }
            }
            // Besides crates only a child goes by its name alone.
            child if !self.files.contains_key(&joined(from, child)) => return None,
            _ => {}
        }
        Some([&base[..], rest].concat())
    }

    /// The file that a path from the root leads to, through what folders pass on.
    fn find(&self, path: &[String]) -> Option<(&Module, &File)> {
        let known = (0..=path.len()).rev();
        let mut known = known.filter_map(|length| self.files.get_key_value(&path[..length]));
        let (module, file) = known.next()?;
        let name = path.get(module.len());
        let exports = file.source.exports.iter();
        let mut passed_on = exports.filter(|(export, _)| Some(export) == name);
        let target = passed_on
            .next()
            .and_then(|(_, path)| self.absolute(path, module));
        // What is passed on under its own name from outside would lead here again.
        match target.filter(|target| target[..] != path[..]) {
            Some(target) => self.find(&target).or(Some((module, file))),
            None => Some((module, file)),
        }
    }

    /// Each folder with what is in it.
    fn folders(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut folders = BTreeMap::<String, BTreeSet<String>>::new();
        for path in &self.paths {
            let parts: Vec<&str> = path.split('/').collect();
            for (depth, part) in parts.iter().enumerate() {
                let folder = folders.entry(parts[..depth].join("/")).or_default();
                folder.insert((*part).to_owned());
            }
        }
        folders
    }
}

/// `a/b.rs` and `a/b/mod.rs` are the module `a::b`.
fn module_of(path: &str) -> Module {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let parts = path.split('/').filter(|part| *part != "lib");
    parts.map(str::to_owned).collect()
}

/// True for a file that is there for tests only, which nobody but tests declares.
fn is_for_tests(module: &[String]) -> bool {
    module.iter().any(|part| part == "tests")
}

fn joined(module: &[String], child: &str) -> Module {
    [module, &[child.to_owned()]].concat()
}

fn top(module: &[String]) -> &str {
    module.first().map_or("", String::as_str)
}
