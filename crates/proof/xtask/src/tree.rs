//! The project tree that the tools work on.

use std::path::{Path, PathBuf};

/// The root of the workspace.
///
/// # Panics
/// When this crate does not lie three folders below the root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(3).expect("xtask lies at crates/proof/xtask").to_path_buf()
}
