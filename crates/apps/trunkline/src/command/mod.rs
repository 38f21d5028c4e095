//! One file per command. Each asks the service and renders the answer; deciding is the service's.

pub(crate) mod api;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod call;
pub(crate) mod calls;
pub(crate) mod carrier;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod key;
pub(crate) mod number;
pub(crate) mod quota;
pub(crate) mod restore;
pub(crate) mod route_test;
pub(crate) mod seal;
pub(crate) mod serve;
pub(crate) mod trace;

use std::path::Path;

use model::Secret;

use crate::failure::Failure;

/// Reads a password from a file, or from standard input if it is `-`. One newline at the end is not
/// part of it, since editors and `echo` add one.
pub(crate) fn read_password(path: &Path) -> Result<Secret, Failure> {
    let text = read_text(path)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(Failure::Usage(format!("{} holds no password", path.display())));
    }
    Ok(Secret::new(line.to_owned()))
}

/// Reads a file as text, or standard input if it is `-`.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let read = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| {
        Failure::Usage(format!("cannot read {}: {error}; check the path", path.display()))
    })
}
