//! The project tree that the tools work on.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Folders that hold no source of ours, where there is no git to tell.
const FOREIGN_FOLDERS: &[&str] = &[".git", ".venv", "target", "node_modules", "__pycache__"];

/// The root of the workspace: three folders above this crate, where cargo says it is now or said it
/// was when it was built.
pub(crate) fn root() -> PathBuf {
    let built = env!("CARGO_MANIFEST_DIR").to_owned();
    let here = env::var("CARGO_MANIFEST_DIR").unwrap_or(built);
    let root = Path::new(&here).ancestors().nth(3);
    root.expect("xtask lies at crates/proof/xtask").to_path_buf()
}

/// A text file of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextFile {
    /// From the root, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    /// The lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// True for what `cargo xtask codegen` writes.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.contains("/src/generated/")
    }
}

/// Every text file that is tracked or could be: what git lists, without what it ignores. Files that
/// are not UTF-8 (fuzz corpora, captures) are no text.
pub(crate) fn text_files(root: &Path) -> Result<Vec<TextFile>, std::io::Error> {
    let mut paths = match listed_by_git(root) {
        Some(paths) => paths,
        None => {
            let mut found = Vec::new();
            walk(root, root, &mut found)?;
            found
        }
    };
    paths.sort();
    paths.dedup();
    let mut files = Vec::new();
    for path in paths {
        // A file may be deleted and still listed.
        if let Ok(text) = fs::read_to_string(root.join(&path)) {
            files.push(TextFile { path, text });
        }
    }
    Ok(files)
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) -> Result<(), std::io::Error> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !FOREIGN_FOLDERS.contains(&name.as_ref()) {
                walk(root, &path, found)?;
            }
        } else if let Ok(relative) = path.strip_prefix(root) {
            found.push(relative.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}
