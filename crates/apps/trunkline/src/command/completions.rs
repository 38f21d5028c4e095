//! `trunkline completions`: what makes a shell complete commands, flags and operation names.

use clap::CommandFactory as _;
use clap_complete::aot;

use crate::cli::{Cli, Shell};
use crate::failure::Failure;
use crate::screen::Screen;

/// Prints a shell's script.
pub(crate) fn run(screen: &Screen, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    let command = &mut Cli::command();
    match shell {
        Shell::Bash => aot::generate(aot::Bash, command, "trunkline", &mut script),
        Shell::Zsh => aot::generate(aot::Zsh, command, "trunkline", &mut script),
        Shell::Fish => {
            aot::generate(aot::Fish, command, "trunkline", &mut script);
            script.extend(fish_words(command).into_bytes());
        }
    }
    let script = String::from_utf8(script).expect("the script is made of our own texts");
    screen.line(script.trim_end());
    Ok(())
}

/// The words that stand by themselves, such as the names of operations: the generated script of fish
/// completes flags alone.
fn fish_words(command: &clap::Command) -> String {
    let mut script = String::new();
    for subcommand in command.get_subcommands() {
        let words: Vec<String> = subcommand
            .get_positionals()
            .take(1)
            .flat_map(clap::Arg::get_possible_values)
            .map(|it| it.get_name().to_owned())
            .collect();
        if !words.is_empty() {
            let (name, words) = (subcommand.get_name(), words.join(" "));
            script.push_str(&format!(
                "complete -c trunkline -n \"__fish_trunkline_using_subcommand {name}\" -f -a \"{words}\"\n"
            ));
        }
    }
    script
}
