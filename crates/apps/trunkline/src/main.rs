//! The `trunkline` binary: the service, the demo, and every operator command.

mod cli;
mod command;
mod connection;
mod demo;
mod failure;
mod ladder;
mod quality;
mod screen;
mod test_call;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use failure::Failure;
use screen::{Colour, Paint, Screen, colour_wanted};

/// A call allocates a few dozen small things, on a thread that lives as long as the process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // clap answers --help and wrong usage itself, the latter with exit code 2.
    let Cli { common, command } = Cli::parse();
    let screen = Screen::of_process(common.output);
    let done = match command {
        Command::Serve(args) => command::serve::run(&args),
        Command::Backup(args) => wait(command::backup::run(&screen, &common, args)),
        Command::Restore(args) => wait(command::restore::run(&screen, args)),
        Command::Config(command) => command::config::run(&screen, command),
        Command::Completions { shell } => command::completions::run(&screen, shell),
        Command::Demo => wait(demo::run(&screen)),
        Command::Api(args) if args.list => command::api::list(&screen),
        Command::Api(args) => wait(command::api::run(&screen, &common, args)),
        Command::Key(command) => wait(command::key::run(&screen, &common, command)),
        Command::Carrier(command) => wait(command::carrier::run(&screen, &common, command)),
        Command::Seal(command) => wait(command::seal::run(&screen, &common, command)),
        Command::Number(command) => wait(command::number::run(&screen, &common, command)),
        Command::Quota(command) => wait(command::quota::run(&screen, &common, command)),
        Command::Audit(args) => wait(command::audit::run(&screen, &common, args)),
        Command::Call(args) => wait(command::call::run(&screen, &common, args)),
        Command::Calls(args) => wait(command::calls::run(&screen, &common, args)),
        Command::RouteTest(args) => wait(command::route_test::run(&screen, &common, args)),
        Command::Trace(args) => wait(command::trace::run(&screen, &common, args)),
        Command::Doctor(args) => wait(command::doctor::run(&screen, &common, args)),
        Command::Explain(args) => wait(command::explain::run(&screen, &common, args)),
    };
    match done.and_then(|()| screen.written()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&failure);
            failure.exit_code()
        }
    }
}

/// Runs a command that waits for the network.
fn wait(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("no thread could be started: {error}")))?
        .block_on(work)
}

/// Says on standard error what went wrong.
fn tell(failure: &Failure) {
    let colour = if std::io::stderr().is_terminal() { colour_wanted() } else { Colour::Off };
    let label = match failure {
        Failure::Told => return,
        Failure::Failed(_) | Failure::Usage(_) => "error:",
        Failure::Configuration(_) => "bad configuration:",
    };
    eprintln!("{} {failure}", colour.paint(Paint::Bad, label));
}
