//! From the facts-only model to Rust.
//!
//! One [`model::Model`] in, a list of [`SourceFile`]s out; then either written or compared. Each
//! emitter owns one kind of file. Texts pass through rustfmt, so emitters care for content alone.

mod client;
mod documentation;
mod families;
mod format;
mod imports;
pub(crate) mod model;
pub(crate) mod names;
pub(crate) mod openapi;
mod operations;
mod routes;
mod shapes;
mod types;

use std::fs;
use std::path::{Path, PathBuf};

use families::Families;
use model::Model;

const MODEL: &str = "api-model/chime-sdk-voice-2022-08-03.json";
const API: &str = "crates/values/chime-api/src/generated";
const CLIENT: &str = "crates/edges/chime-client/src/generated";

/// A generated file: its path from the root and its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SourceFile {
    path: PathBuf,
    text: String,
}

/// Why generating did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write {path}: {source}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{path} is not a model as scripts/extract-model.py writes it: {source}")]
    Model { path: PathBuf, source: serde_json::Error },
    #[error("the generator does not know what to make of {0}")]
    Unsupported(String),
    #[error("rustfmt: {0}; install it with `rustup component add rustfmt`")]
    Format(String),
    #[error("{}\nthe generated sources differ from the model; run `cargo xtask codegen` and commit", .0.join("\n"))]
    Differs(Vec<String>),
}

/// Generates every file and writes those that changed; removes those that are generated no more.
pub(crate) fn write(root: &Path) -> Result<String, Error> {
    let files = generate(root)?;
    let mut changed = 0;
    for file in &files {
        let path = root.join(&file.path);
        if fs::read_to_string(&path).is_ok_and(|committed| committed == file.text) {
            continue;
        }
        let written = path.parent().map_or(Ok(()), fs::create_dir_all);
        written
            .and_then(|()| fs::write(&path, &file.text))
            .map_err(|source| Error::Write { path, source })?;
        changed += 1;
    }
    for path in leftovers(root, &files)? {
        fs::remove_file(root.join(&path)).map_err(|source| Error::Write { path, source })?;
        changed += 1;
    }
    Ok(format!("codegen: {} files, {changed} changed", files.len()))
}

/// Generates every file in memory and compares.
pub(crate) fn check(root: &Path) -> Result<String, Error> {
    let files = generate(root)?;
    let mut differing = Vec::new();
    for file in &files {
        match fs::read_to_string(root.join(&file.path)) {
            Ok(committed) if committed == file.text => {}
            Ok(committed) => differing.push(first_difference(file, &committed)),
            Err(_) => differing.push(format!("{}: missing", file.path.display())),
        }
    }
    for path in leftovers(root, &files)? {
        differing.push(format!("{}: not generated any more", path.display()));
    }
    if differing.is_empty() {
        return Ok(format!("codegen: {} files equal the model", files.len()));
    }
    Err(Error::Differs(differing))
}

fn first_difference(file: &SourceFile, committed: &str) -> String {
    let pairs = file.text.lines().zip(committed.lines()).enumerate();
    let at = pairs.map(|(at, (new, old))| (at + 1, new, old)).find(|(_, new, old)| new != old);
    let path = file.path.display();
    match at {
        Some((line, new, old)) => {
            format!("{path}:{line}: committed `{}`, generated `{}`", old.trim(), new.trim())
        }
        None => format!("{path}: one is a beginning of the other"),
    }
}

/// Files in the generated folders that no emitter makes.
fn leftovers(root: &Path, files: &[SourceFile]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for folder in [API, CLIENT, openapi::FOLDER] {
        collect(&root.join(folder), &mut found)?;
    }
    let relative = |path: PathBuf| path.strip_prefix(root).map(Path::to_path_buf).unwrap_or(path);
    let made = |path: &PathBuf| files.iter().any(|file| file.path == *path);
    let written = |path: &PathBuf| path.extension().is_some_and(|it| it == "md");
    Ok(found.into_iter().map(relative).filter(|path| !made(path) && !written(path)).collect())
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::Read { path: folder.to_path_buf(), source }),
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// Reads the committed model.
pub(crate) fn model(root: &Path) -> Result<Model, Error> {
    let path = root.join(MODEL);
    let text =
        fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    Model::parse(&text).map_err(|source| Error::Model { path, source })
}

fn generate(root: &Path) -> Result<Vec<SourceFile>, Error> {
    let model = model(root)?;
    let families = Families::of(&model)?;

    let mut drafts = Vec::new();
    drafts.extend(types::emit(&model, &families)?);
    drafts.extend(shapes::emit(&model, &families)?);
    drafts.extend(operations::emit(&model, &families)?);
    drafts.push(routes::emit(&model)?);
    drafts.push(operations::emit_for_each(&model));
    drafts.push(api_root());
    drafts.extend(client::emit(&model, &families));
    let mut files = format::all(drafts, &root.join("rustfmt.toml"))?;
    files.extend(openapi::emit(root, &model)?);
    Ok(files)
}

fn api_root() -> SourceFile {
    let text = "//! Everything that is generated from the model.\n\n\
        mod for_each;\npub(crate) mod operation;\npub(crate) mod route;\npub(crate) mod shapes;\n\
        pub(crate) mod types;\n";
    SourceFile::new(API, "mod.rs", text)
}

impl SourceFile {
    /// A file with the notice that it is generated.
    fn new(folder: &str, name: &str, text: &str) -> Self {
        let notice = "// Generated by `cargo xtask codegen` from api-model/; do not edit.\n\n";
        Self { path: Path::new(folder).join(name), text: format!("{notice}{text}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_sources_equal_the_model() {
        if let Err(error) = check(&crate::tree::root()) {
            panic!("{error}");
        }
    }

    #[test]
    fn a_difference_is_named_by_file_and_line() {
        let file = SourceFile { path: "a.rs".into(), text: "one\ntwo\n".to_owned() };
        assert_eq!(first_difference(&file, "one\n2\n"), "a.rs:2: committed `2`, generated `two`");
        assert_eq!(first_difference(&file, "one\n"), "a.rs: one is a beginning of the other");
    }
}
