//! Generated text through rustfmt, so that it looks like the rest of the tree.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Error, SourceFile};

/// Formats every draft with the project's own settings.
pub(crate) fn all(drafts: Vec<SourceFile>, settings: &Path) -> Result<Vec<SourceFile>, Error> {
    drafts
        .into_iter()
        .map(|draft| {
            let text = format(&draft.text, settings)
                .map_err(|reason| Error::Format(format!("{}: {reason}", draft.path.display())))?;
            Ok(SourceFile { text, ..draft })
        })
        .collect()
}

fn format(text: &str, settings: &Path) -> Result<String, String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout", "--config-path"])
        .arg(settings)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take().expect("stdin was asked to be a pipe");
    let text = text.to_owned();
    // Written from a thread, as rustfmt may fill its output pipe before it has read everything.
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let written = writer.join().expect("writing to a pipe does not panic");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    written.map_err(|error| error.to_string())?;
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}
