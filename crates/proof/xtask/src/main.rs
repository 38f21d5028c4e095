//! The project's own tools: `cargo xtask codegen`, `operations`, `tidy`.
//!
//! They read the tree and write only what is generated. Nothing here is shipped.
//!
//! ```text
//! cargo xtask codegen            rewrite the generated sources from api-model/
//! cargo xtask codegen --check    say which generated files differ from the model; change nothing
//! cargo xtask operations         the 96 operations: built, judged, or on the list of excuses
//! cargo xtask tidy               the laws of the house that no compiler checks
//! ```

mod codegen;
mod operations;
mod tidy;
mod tree;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own tools.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Generate the API's types, tables and client methods from the committed model.
    Codegen {
        /// Compare with the committed files instead of writing; fail when they differ.
        #[arg(long)]
        check: bool,
    },
    /// Print how far each operation has come; fail when code, list and tests contradict each other.
    Operations,
    /// Hold the tree against the laws of the house; fail with what to do instead.
    Tidy,
}

fn main() -> ExitCode {
    let root = tree::root();
    let outcome = match Arguments::parse().task {
        Task::Codegen { check: true } => codegen::check(&root).map_err(|it| it.to_string()),
        Task::Codegen { check: false } => codegen::write(&root).map_err(|it| it.to_string()),
        Task::Operations => operations::report(&root).map_err(|it| it.to_string()),
        Task::Tidy => tidy::check(&root).map_err(|it| it.to_string()),
    };
    match outcome {
        Ok(summary) => {
            // A reader that has seen enough (`| head`) is no failure of ours.
            let _ = writeln!(std::io::stdout(), "{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
