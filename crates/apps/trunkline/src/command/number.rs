//! `trunkline number`: the inventory of telephone numbers.

use api::operator::dto;
use model::AccountId;

use crate::cli::{Common, NumberCommand, OutputForm};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::screen::{Cell, Paint, Screen, Table};

pub(crate) async fn run(
    screen: &Screen,
    common: &Common,
    command: NumberCommand,
) -> Result<(), Failure> {
    match command {
        NumberCommand::Add { numbers, account } => {
            let account = account.as_deref().map(AccountId::parse).transpose()?;
            let (numbers, ranges) = split(numbers);
            let request = dto::AddNumbers { numbers, ranges, account };
            let added = Connection::open(common)?.add_numbers(&request).await?;
            show_added(screen, &added, account);
        }
        NumberCommand::List { account } => {
            let account = account.as_deref().map(AccountId::parse).transpose()?;
            let numbers = Connection::open(common)?.numbers(account).await?;
            show_list(screen, &numbers);
        }
        NumberCommand::Remove { numbers } => {
            let connection = Connection::open(common)?;
            for number in &numbers {
                connection.remove_number(number).await?;
                screen.done(&format!("{number} is removed from the inventory"));
            }
        }
    }
    Ok(())
}

/// Tells single numbers from blocks, written `+12065550100-+12065550149`.
fn split(texts: Vec<String>) -> (Vec<String>, Vec<dto::NumberRange>) {
    let mut numbers = Vec::new();
    let mut ranges = Vec::new();
    for text in texts {
        match text.split_once('-') {
            Some((first, last)) => {
                ranges.push(dto::NumberRange { first: first.into(), last: last.into() });
            }
            None => numbers.push(text),
        }
    }
    (numbers, ranges)
}

fn show_added(screen: &Screen, added: &dto::AddedNumbers, account: Option<AccountId>) {
    if screen.form == OutputForm::Json {
        return screen.json(added);
    }
    let whose = account.map_or("free to be ordered".into(), |it| format!("owned by account {it}"));
    let mut text = format!("{} added, {whose}", count(added.added, "number"));
    if added.assigned > 0 {
        text.push_str(&format!("; {} of the inventory assigned", count(added.assigned, "number")));
    }
    if added.unchanged > 0 {
        text.push_str(&format!("; {} already so", count(added.unchanged, "number")));
    }
    screen.done(&text);
}

fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn show_list(screen: &Screen, numbers: &[dto::Number]) {
    if screen.form == OutputForm::Json {
        return screen.json(&serde_json::json!({ "numbers": numbers }));
    }
    if numbers.is_empty() {
        return screen
            .line("no numbers; `trunkline number add +12065550150 --account ID` adds one");
    }
    let mut table = Table::new(["NUMBER", "ACCOUNT", "ADDED"]);
    for it in numbers {
        let account = match it.account {
            Some(account) => account.to_string().into(),
            None => Cell::painted(Paint::Faint, "(free)"),
        };
        table.row([Cell::painted(Paint::Name, &it.number), account, it.added.to_string().into()]);
    }
    screen.table(&table);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_two_numbers_with_a_hyphen() {
        let (numbers, ranges) =
            split(vec!["+12065550100".into(), "+12065550110-+12065550119".into()]);
        assert_eq!(numbers, ["+12065550100"]);
        assert_eq!(
            (ranges[0].first.as_str(), ranges[0].last.as_str()),
            ("+12065550110", "+12065550119")
        );
    }
}
