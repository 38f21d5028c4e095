//! `trunkline audit`: who asked for which change, and what came of it.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::Path;

use api::operator::dto::AuditEntry;
use chime_api::Timestamp;
use model::{AccountId, AuditOutcome};
use serde_json::json;

use crate::cli::{AuditArgs, AuditCommand, AuditFilterArgs, Common, OutputForm};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::screen::{Cell, Paint, Screen, Table};

/// Records asked for at once.
const PAGE: u32 = 1000;

pub(crate) async fn run(screen: &Screen, common: &Common, args: AuditArgs) -> Result<(), Failure> {
    if let Some(AuditCommand::Export { filter, file }) = args.command {
        return export(screen, common, &query(filter)?, file.as_deref()).await;
    }
    let query = query(args.filter)?;
    let connection = Connection::open(common)?;
    let mut records: Vec<AuditEntry> = Vec::new();
    let mut token = None;
    loop {
        let missing = args.limit - u32::try_from(records.len()).unwrap_or(args.limit);
        let page = connection.audit(&query, missing, token).await?;
        records.extend(page.records);
        token = page.next_token;
        if token.is_none() || records.len() >= args.limit as usize {
            break;
        }
    }
    match screen.form {
        OutputForm::Json => screen.json(&json!({ "records": records })),
        OutputForm::Text if records.is_empty() => screen.line("no records"),
        OutputForm::Text => screen.table(&table(&records)),
    }
    Ok(())
}

/// Writes every record that is wanted as a line of JSON.
async fn export(
    screen: &Screen,
    common: &Common,
    query: &[(&str, Option<String>)],
    file: Option<&Path>,
) -> Result<(), Failure> {
    let connection = Connection::open(common)?;
    let mut out = match file {
        None => None,
        Some(path) => {
            let unwritable = |error| {
                Failure::Usage(format!(
                    "cannot write {}: {error}; name a file that does not exist",
                    path.display()
                ))
            };
            let made = OpenOptions::new().write(true).create_new(true).open(path);
            Some((path, BufWriter::new(made.map_err(unwritable)?)))
        }
    };
    let mut token = None;
    let mut count = 0_u64;
    loop {
        let page = connection.audit(query, PAGE, token).await?;
        for record in &page.records {
            let line = serde_json::to_string(record).expect("our records have text keys");
            count += 1;
            match &mut out {
                None => screen.line(&line),
                Some((path, file)) => {
                    writeln!(file, "{line}").map_err(|error| unwritten(path, &error))?;
                }
            }
        }
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    if let Some((path, mut file)) = out {
        file.flush().map_err(|error| unwritten(path, &error))?;
        screen.done(&format!("{count} records are written to {}", path.display()));
    }
    Ok(())
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("{} could not be written: {error}", path.display()))
}

/// The filters as the service's query; what cannot be right is told before it is asked.
fn query(args: AuditFilterArgs) -> Result<Vec<(&'static str, Option<String>)>, Failure> {
    let AuditFilterArgs { account, key, operation, outcome, since, until } = args;
    let account = account.as_deref().map(AccountId::parse).transpose()?;
    for (flag, time) in [("--since", &since), ("--until", &until)] {
        if let Some(Err(error)) = time.as_ref().map(|it| it.parse::<Timestamp>()) {
            return Err(Failure::Usage(format!("{flag}: {error}")));
        }
    }
    Ok(vec![
        ("account", account.map(|it| it.to_string())),
        ("key", key),
        ("operation", operation),
        ("outcome", outcome),
        ("since", since),
        ("until", until),
    ])
}

fn table(records: &[AuditEntry]) -> Table {
    let mut table =
        Table::new(["TIME", "ACCOUNT", "ACCESS KEY ID", "ACTION", "RESOURCE", "FROM", "OUTCOME"]);
    for record in records {
        let account = match record.account {
            Some(account) => account.to_string().into(),
            None => Cell::painted(Paint::Faint, "(unproven)"),
        };
        let resource = match record.resources.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        };
        table.row([
            Cell::painted(Paint::Faint, record.time.to_string()),
            account,
            record.access_key_id.clone().unwrap_or_default().into(),
            Cell::painted(Paint::Name, &record.action),
            resource.into(),
            record.source.to_string().into(),
            outcome(record),
        ]);
    }
    table
}

fn outcome(record: &AuditEntry) -> Cell {
    let AuditEntry { status, error, .. } = record;
    let text = match error {
        Some(error) => format!("{status} {error}"),
        None => status.to_string(),
    };
    let paint = match record.outcome {
        AuditOutcome::Done => Paint::Good,
        AuditOutcome::Refused => Paint::Notice,
        AuditOutcome::Failed => Paint::Bad,
    };
    Cell::painted(paint, text)
}
