//! `cargo sim SEED` lives through one world again, and tells every SIP message that came or left.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(seed) = std::env::args().nth(1).and_then(|it| it.parse().ok()) else {
        eprintln!("usage: cargo sim SEED");
        return ExitCode::from(2);
    };
    let world = sim::live_through(seed);
    world.journal().iter().for_each(|line| println!("{line}"));
    for record in world.records() {
        println!("record {} {:?} {}", record.call_id, record.status, record.reason);
    }
    match world.judge() {
        Ok(()) => {
            println!("seed {seed}: every law held");
            ExitCode::SUCCESS
        }
        Err(broken) => {
            println!("seed {seed}: {broken}");
            ExitCode::FAILURE
        }
    }
}
