//! `cargo sim SEED` lives again through both worlds of a seed: the one with audio, of which every
//! SIP message is told, and the one of rude parties. `cargo sim --many N` tries the seeds below N.

use std::process::ExitCode;

use sim::{RudeWorld, live_through};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let broken = match *arguments.as_slice() {
        ["--many", count] => {
            count.parse().map(|count| (0..count).find(|&seed| !holds(seed, Telling::Faults)))
        }
        [seed] => seed.parse().map(|seed| (!holds(seed, Telling::All)).then_some(seed)),
        _ => {
            eprintln!("usage: cargo sim SEED | cargo sim --many COUNT");
            return ExitCode::from(2);
        }
    };
    match broken {
        Ok(None) => {
            println!("every law held");
            ExitCode::SUCCESS
        }
        Ok(Some(seed)) => {
            println!("a law was broken; `cargo sim {seed}` plays it again");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{arguments:?} is no number: {error}");
            ExitCode::from(2)
        }
    }
}

/// How much of a world is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Telling {
    /// Every message and record.
    All,
    /// What broke a law.
    Faults,
}

/// Whether every law held in both worlds of a seed.
fn holds(seed: u64, telling: Telling) -> bool {
    let world = live_through(seed);
    if telling == Telling::All {
        println!("-- the world with audio");
        world.journal().iter().for_each(|line| println!("{line}"));
    }
    let audio = told(seed, world.judge(), world.records(), telling);
    let mut world = RudeWorld::new(seed);
    world.run();
    if telling == Telling::All {
        println!("-- the world of rude parties");
    }
    let rude = told(seed, world.judge(), world.records(), telling);
    audio && rude
}

fn told(
    seed: u64,
    judged: Result<(), sim::Broken>,
    records: &[model::CallRecord],
    telling: Telling,
) -> bool {
    if telling == Telling::All {
        for record in records {
            println!("record {} {:?} {}", record.call_id, record.status, record.reason);
        }
    }
    match judged {
        Ok(()) => true,
        Err(broken) => {
            println!("seed {seed}: {broken}");
            false
        }
    }
}
