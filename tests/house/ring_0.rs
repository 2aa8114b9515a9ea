//! What a stranger reaches before he has shown a password is listed in src/README.md, and counted.

use std::fs;
use std::path::Path;

/// Lines of code at the most.
const MOST: usize = 3250;

/// Lines that are neither empty nor a comment nor a test.
fn lines_of_code(text: &str) -> usize {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

/// The files in the rows of the table behind the heading.
fn listed(document: &str) -> Vec<&str> {
    let (_, ring) = document.split_once("\n## Ring 0\n").unwrap();
    ring.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect()
}

#[test]
fn ring_0_is_small() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let document = fs::read_to_string(source.join("README.md")).unwrap();
    let files = listed(&document);
    assert!(files.len() > 20, "{files:?}");
    let count = |file: &&str| lines_of_code(&fs::read_to_string(source.join(file)).unwrap());
    let lines: usize = files.iter().map(count).sum();
    assert!(lines <= MOST, "{lines} lines of code, {MOST} at the most");
    let said = format!(
        "{} files, {} lines of code",
        files.len(),
        (lines + 50) / 100 * 100
    );
    assert!(
        document.contains(&said),
        "src/README.md does not say: {said}"
    );
}

#[test]
fn every_file_that_the_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("src/README.md")).unwrap();
    let names = document.split('`').skip(1).step_by(2);
    let is_path = |name: &&str| name.contains('/') && !name.contains(' ');
    let mut paths = names.filter(is_path).peekable();
    assert!(paths.peek().is_some());
    for path in paths {
        let mut places = [
            "",
            "src",
            "src/bridge",
            "src/game_server",
            "src/client",
            "src/tracker",
            "src/tracker/threads",
        ]
        .into_iter()
        .map(|place| root.join(place).join(path));
        assert!(places.any(|place| place.exists()), "there is no {path}");
    }
}

#[test]
fn comments_and_tests_are_not_code() {
    let text =
        "//! File.\n\nuse a;\n/// It.\nfn b() {\n    // c\n}\n\n#[cfg(test)]\nmod tests {\n}\n";
    assert_eq!(lines_of_code(text), 3);
}
