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

fn main() -> ExitCode {
    // clap answers --help and wrong usage itself, the latter with exit code 2.
    let Cli { common, command } = Cli::parse();
    let screen = Screen::of_process(common.output);
    let done = match command {
        Command::Serve(args) => command::serve::run(&args),
        Command::Config(command) => command::config::run(&screen, command),
        Command::Api(args) if args.list => command::api::list(&screen),
        other => on_runtime(run(screen, common, other)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&failure);
            failure.exit_code()
        }
    }
}

async fn run(screen: Screen, common: cli::Common, command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo => demo::run(&screen).await,
        Command::Api(args) => command::api::run(&screen, &common, args).await,
        Command::Key(command) => command::key::run(&screen, &common, command).await,
        Command::Carrier(command) => command::carrier::run(&screen, &common, command).await,
        Command::Number(command) => command::number::run(&screen, &common, command).await,
        Command::Call(args) => command::call::run(&screen, &common, args).await,
        Command::Calls(args) => command::calls::run(&screen, &common, args).await,
        Command::Explain(args) => command::explain::run(&screen, &common, args).await,
        Command::Serve(_) | Command::Config(_) => {
            unreachable!("main runs these without a runtime of ours")
        }
    }
}

fn on_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
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
