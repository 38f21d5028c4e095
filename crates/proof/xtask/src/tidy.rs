//! The laws of the house that no compiler checks. Each refusal names what to do instead.
//!
//! A law is a pure function from the tree to refusals, so each is tested on small trees of its own.

mod arrows;
mod citations;
mod deviations;
mod licences;
mod lints;
mod modules;
mod sizes;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::tree::{self, TextFile};

/// A place that breaks a law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// A path, possibly with a line: `crates/edges/api/src/lib.rs:12`.
    pub(crate) place: String,
    /// What is wrong there.
    pub(crate) fault: String,
    /// What to do instead.
    pub(crate) instead: String,
}

impl Refusal {
    fn new(place: impl Into<String>, fault: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { place: place.into(), fault: fault.into(), instead: instead.into() }
    }

    fn at(
        file: &TextFile,
        line: usize,
        fault: impl Into<String>,
        instead: impl Into<String>,
    ) -> Self {
        Self::new(format!("{}:{line}", file.path), fault, instead)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.fault, self.instead)
    }
}

/// Why the tree was not let through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cargo metadata: {0}")]
    Metadata(String),
    #[error("{}\ntidy: {} refusals", list(.0), .0.len())]
    Refused(Vec<Refusal>),
}

fn list(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What cargo knows about the workspace and everything below it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Default, Deserialize)]
struct Dependency {
    name: String,
    /// Absent for ordinary dependencies; `dev` or `build` for the others.
    kind: Option<String>,
}

impl Metadata {
    /// The crates of this tree.
    fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|it| self.workspace_members.contains(&it.id))
    }
}

/// Holds the tree against every law.
pub(crate) fn check(root: &Path) -> Result<String, Error> {
    let files = tree::text_files(root)
        .map_err(|source| Error::Read { path: root.to_path_buf(), source })?;
    let metadata = metadata(root)?;
    let mut refusals = Vec::new();
    refusals.extend(arrows::check(&metadata));
    refusals.extend(sizes::check(&files));
    refusals.extend(words::check(&files));
    refusals.extend(modules::check(&files));
    refusals.extend(lints::check(&files));
    refusals.extend(citations::check(&files));
    refusals.extend(deviations::check(&files));
    refusals.extend(licences::check(&files, &metadata));
    if refusals.is_empty() {
        let (files, packages) = (files.len(), metadata.packages.len());
        return Ok(format!("tidy: {files} files, {packages} packages, nothing to refuse"));
    }
    Err(Error::Refused(refusals))
}

fn metadata(root: &Path) -> Result<Metadata, Error> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // One platform only: packages of the others need not be downloaded to be judged.
    let platform = ["--filter-platform", "x86_64-unknown-linux-gnu"];
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(platform)
        .current_dir(root)
        .output()
        .map_err(|error| Error::Metadata(error.to_string()))?;
    if !output.status.success() {
        return Err(Error::Metadata(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| Error::Metadata(error.to_string()))
}

#[cfg(test)]
fn file(path: &str, text: &str) -> TextFile {
    TextFile { path: path.to_owned(), text: text.to_owned() }
}
