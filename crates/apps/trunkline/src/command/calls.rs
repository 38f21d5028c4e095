//! `trunkline calls`: what goes on and what was.

use api::operator::dto::{Call, CallState};
use serde_json::json;

use crate::cli::{CallsArgs, Common, OutputForm};
use crate::connection::{CallQuery, Connection};
use crate::failure::Failure;
use crate::screen::{Cell, Paint, Screen, Table, duration};

pub(crate) async fn run(screen: &Screen, common: &Common, args: CallsArgs) -> Result<(), Failure> {
    let state = match (args.live, args.past) {
        (true, _) => Some("live"),
        (false, true) => Some("ended"),
        (false, false) => None,
    };
    let query = CallQuery { state, connector: args.connector, limit: args.limit };
    let calls = Connection::open(common)?.calls(&query).await?;
    match screen.form {
        OutputForm::Json => screen.json(&json!({ "calls": calls })),
        OutputForm::Text if calls.is_empty() => {
            screen.line("no calls; `trunkline call --from … --to …` places one");
        }
        OutputForm::Text => {
            screen.table(&table(&calls));
            if calls.iter().any(|it| it.state == CallState::Rejected) {
                screen.line("");
                screen.line("`trunkline explain TRANSACTION` says why a call was rejected");
            }
        }
    }
    Ok(())
}

fn table(calls: &[Call]) -> Table {
    let mut table =
        Table::new(["STARTED", "TRANSACTION", "FROM", "TO", "STATE", "LENGTH", "SIP", "REASON"]);
    for call in calls {
        let length = match call.answered {
            Some(_) => duration(std::time::Duration::from_millis(call.duration_ms)),
            None => String::new(),
        };
        table.row([
            Cell::painted(Paint::Faint, call.started.to_string()),
            Cell::painted(Paint::Name, &call.transaction_id),
            call.from.clone().into(),
            call.to.clone().into(),
            state(call.state),
            length.into(),
            call.sip_status.map(|it| it.to_string()).unwrap_or_default().into(),
            call.reason.clone().into(),
        ]);
    }
    table
}

/// The state in its colour.
pub(crate) fn state(state: CallState) -> Cell {
    match state {
        CallState::Ringing => Cell::painted(Paint::Notice, "ringing"),
        CallState::Answered => Cell::painted(Paint::Good, "answered"),
        CallState::Completed => Cell::painted(Paint::Good, "completed"),
        CallState::Failed => Cell::painted(Paint::Notice, "failed"),
        CallState::Rejected => Cell::painted(Paint::Bad, "rejected"),
    }
}
