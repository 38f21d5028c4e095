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
mod tree;

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
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Codegen { check: true } => codegen::check(&tree::root()),
        Task::Codegen { check: false } => codegen::write(&tree::root()),
    };
    match outcome {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
