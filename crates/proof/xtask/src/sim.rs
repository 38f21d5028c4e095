//! `cargo xtask sim`: worlds of rude parties, one by its seed or many.
//!
//! The worlds themselves are `proof/sim`'s; this starts their tests, so that a failing seed is
//! replayed by one command.

use std::path::Path;
use std::process::Command;

/// Runs the world of one seed.
pub(crate) fn replay(root: &Path, seed: u64) -> Result<String, String> {
    let test = "however_rude_the_parties_each_call_ends_once_and_leaves_nothing_first_quarter";
    run(root, "TRUNKLINE_SEED", seed, &[test, "--exact"])?;
    Ok(format!("sim: the world of seed {seed} keeps every law"))
}

/// Runs many worlds, from seed 0 on.
pub(crate) fn try_many(root: &Path, seeds: u64) -> Result<String, String> {
    run(root, "TRUNKLINE_SEEDS", seeds, &["however_rude"])?;
    Ok(format!("sim: {seeds} worlds keep every law"))
}

fn run(root: &Path, variable: &str, value: u64, filter: &[&str]) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root)
        .args(["test", "--quiet", "--package", "sim", "--test", "rude_worlds", "--"])
        .args(filter)
        .env(variable, value.to_string())
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err("a world broke a law; its seed stands above".into()) }
}
