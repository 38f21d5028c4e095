//! `trunkline explain`: why was my call rejected?

use api::operator::dto::{Call, CallState};
use model::{Decision, Direction, Verdict};

use crate::cli::{Common, ExplainArgs, OutputForm};
use crate::connection::{CallQuery, Connection};
use crate::failure::Failure;
use crate::screen::{Paint, Screen, columns, padded};

pub(crate) async fn run(
    screen: &Screen,
    common: &Common,
    args: ExplainArgs,
) -> Result<(), Failure> {
    let connection = Connection::open(common)?;
    let call = match args.call.as_str() {
        "last" => connection.explain(&latest(&connection).await?).await?,
        call => connection.explain(call).await?,
    };
    match screen.form {
        OutputForm::Json => screen.json(&call),
        OutputForm::Text => show(screen, &call),
    }
    Ok(())
}

/// The transaction id of the latest call.
pub(super) async fn latest(connection: &Connection) -> Result<String, Failure> {
    let query = CallQuery { state: None, connector: None, limit: 1 };
    match connection.calls(&query).await?.into_iter().next() {
        Some(call) => Ok(call.transaction_id),
        None => Err(Failure::Failed(
            "there has been no call yet; `trunkline call --from … --to …` places one".into(),
        )),
    }
}

/// The whole explanation: what the call was, each decision, and one sentence at the end.
pub(crate) fn show(screen: &Screen, call: &Call) {
    let direction = match call.direction {
        Direction::Inbound => "in",
        Direction::Outbound => "out",
    };
    let mut fields = vec![
        ("call", format!("{} → {} ({direction})", call.from, call.to)),
        ("transaction", call.transaction_id.clone()),
        ("Call-ID", call.call_id.clone()),
    ];
    if let Some(connector) = &call.connector {
        fields.push(("connector", connector.clone()));
    }
    fields.push(("from address", call.source.clone()));
    if let Some(user) = &call.sip_user {
        fields.push(("SIP user", user.clone()));
    }
    fields.push(("started", call.started.to_string()));
    screen.fields(&fields);
    screen.line("");
    if call.decisions.is_empty() && call.ended.is_none() {
        screen.line(screen.paint(Paint::Faint, "  its decisions are told once it is over"));
    }
    decisions(screen, &call.decisions);
    screen.line("");
    let paint = match call.state {
        CallState::Rejected => Paint::Bad,
        CallState::Failed | CallState::Ringing => Paint::Notice,
        CallState::Answered | CallState::Completed => Paint::Good,
    };
    screen.line(screen.paint(paint, sentence(call)));
}

/// Each decision: rule, verdict, what was seen; for a refusal also what was wanted and the remedy.
pub(crate) fn decisions(screen: &Screen, decisions: &[Decision]) {
    let width = decisions.iter().map(|it| columns(&it.rule)).max().unwrap_or(0);
    for it in decisions {
        let (mark, paint) = match it.verdict {
            Verdict::Pass => ("✓", Paint::Good),
            Verdict::Challenge => ("?", Paint::Notice),
            Verdict::Refuse => ("✗", Paint::Bad),
            Verdict::Note => ("·", Paint::Faint),
        };
        let rule = padded(&it.rule, width);
        let mark = screen.paint(paint, mark);
        screen.line(format!("  {mark} {}  {}", screen.paint(Paint::Strong, rule), it.seen));
        let indent = " ".repeat(width + 6);
        let detail = |label: &str, text: &str| {
            if !text.is_empty() {
                screen.line(format!("{indent}{} {text}", screen.paint(Paint::Faint, label)));
            }
        };
        match it.verdict {
            Verdict::Refuse => {
                detail("wanted:", &it.expected);
                detail("remedy:", &it.remedy);
            }
            Verdict::Challenge => detail("wanted:", &it.expected),
            Verdict::Pass | Verdict::Note => {}
        }
    }
}

/// One plain sentence: why was my call rejected?
pub(crate) fn sentence(call: &Call) -> String {
    let refusal = call.decisions.iter().rev().find(|it| it.verdict == Verdict::Refuse);
    let status = call.sip_status.map(|it| format!(" with {it}")).unwrap_or_default();
    match (call.state, refusal) {
        (CallState::Rejected, Some(it)) => {
            let remedy = if it.remedy.is_empty() {
                String::new()
            } else {
                format!(" To let it in: {}.", it.remedy.trim_end_matches('.'))
            };
            format!(
                "The call was rejected{status} by the rule \"{}\": it wants {}, and saw {}.{remedy}",
                it.rule,
                it.expected.trim_end_matches('.'),
                it.seen.trim_end_matches('.'),
            )
        }
        (CallState::Rejected, None) => {
            format!("The call was rejected{status}: {}.", reason_text(call))
        }
        (CallState::Failed, _) => format!(
            "The call was let in but never answered; it ended{status}: {}.",
            reason_text(call)
        ),
        (CallState::Completed, _) => {
            format!("The call was not rejected: it was answered, and ended as \"{}\".", call.reason)
        }
        (CallState::Ringing, _) => "The call was not rejected: it is ringing.".into(),
        (CallState::Answered, _) => "The call was not rejected: it is going on.".into(),
    }
}

fn reason_text(call: &Call) -> &str {
    let text = call.status_message.trim_end_matches('.');
    if text.is_empty() { &call.reason } else { text }
}
