//! `trunkline trace`: the messages of one call.

mod pcap;

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use api::operator::dto::{Trace, TraceMessage, Way};

use super::explain;
use crate::cli::{Common, OutputForm, TraceArgs};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::ladder::{Arrow, Ladder, Row, label};
use crate::screen::{Paint, Screen};

/// The lanes of the ladder.
const CALLER: usize = 0;
const US: usize = 1;
const CALLED: usize = 2;

pub(crate) async fn run(screen: &Screen, common: &Common, args: TraceArgs) -> Result<(), Failure> {
    let connection = Connection::open(common)?;
    let trace = match args.call.as_str() {
        "last" => connection.trace(&explain::latest(&connection).await?).await?,
        call => connection.trace(call).await?,
    };
    if let Some(path) = &args.pcap {
        write(path, &pcap::capture(&trace.messages)?)?;
        if path == Path::new("-") {
            return Ok(());
        }
    }
    match screen.form {
        OutputForm::Json => screen.json(&trace),
        OutputForm::Text => show(screen, &trace, &args),
    }
    Ok(())
}

fn write(path: &Path, capture: &[u8]) -> Result<(), Failure> {
    let written = if path == Path::new("-") {
        std::io::stdout().write_all(capture)
    } else {
        std::fs::write(path, capture)
    };
    written.map_err(|error| {
        Failure::Failed(format!("{} cannot be written: {error}; check the path", path.display()))
    })
}

fn show(screen: &Screen, trace: &Trace, args: &TraceArgs) {
    if trace.messages.is_empty() {
        let since = trace
            .since
            .map_or("none is kept".into(), |it| format!("the oldest one kept is of {it}"));
        return screen.line(format!(
            "The call's messages are not kept any more: {since}; sip.trace_bytes_max gives them more room."
        ));
    }
    ladder(trace).lines(screen.colour).iter().for_each(|line| screen.line(line));
    if let Some(missing) = beginning_missing(trace) {
        screen.line(screen.paint(Paint::Notice, missing));
    }
    if args.messages {
        trace.messages.iter().for_each(|it| whole(screen, it));
    }
    if let Some(path) = &args.pcap {
        screen.line("");
        screen.done(&format!("{} messages written to {}", trace.messages.len(), path.display()));
    }
}

/// A call that began before the oldest message that is kept is shown from its middle on.
fn beginning_missing(trace: &Trace) -> Option<String> {
    let (call, since) = (trace.call.as_ref()?, trace.since?);
    (call.started.unix_ms() < since.unix_ms()).then(|| {
        format!(
            "The call began at {}; messages before {since} are not kept any more.",
            call.started
        )
    })
}

/// The caller's leg to our left, the called one's to our right; each further peer there by its
/// address, since a call may be offered to several.
fn ladder(trace: &Trace) -> Ladder {
    let began = trace.messages.first().map_or(0, |it| it.at_us);
    let is_callers =
        |it: &TraceMessage| trace.call.as_ref().is_none_or(|call| call.call_id == it.call_id);
    let mut called: Vec<&str> = Vec::new();
    for it in trace.messages.iter().filter(|it| !is_callers(it)) {
        if !called.contains(&it.remote.as_str()) {
            called.push(&it.remote);
        }
    }
    let rows = trace.messages.iter().map(|it| {
        let peer = if is_callers(it) { CALLER } else { CALLED };
        let (from, to) = match it.way {
            Way::Received => (peer, US),
            Way::Sent => (US, peer),
        };
        let text = it.text.as_deref().unwrap_or_default();
        let mut label = label(&summary(it), text.as_bytes());
        if peer == CALLED && called.len() > 1 {
            label.push_str(&format!(" [{}]", it.remote));
        }
        let at = Duration::from_micros(it.at_us.saturating_sub(began));
        Row::Arrow(Arrow { at, from, to, label })
    });
    let lanes = if called.is_empty() {
        vec!["peer", "trunkline"]
    } else {
        vec!["caller", "trunkline", "called"]
    };
    Ladder { lanes, rows: rows.collect() }
}

/// `INVITE`, or `486 Busy Here`.
fn summary(message: &TraceMessage) -> String {
    let line = message.text.as_deref().unwrap_or("(not text)").lines().next().unwrap_or_default();
    match line.strip_prefix("SIP/2.0 ") {
        Some(status) => status.into(),
        None => line.split(' ').next().unwrap_or_default().into(),
    }
}

fn whole(screen: &Screen, message: &TraceMessage) {
    let TraceMessage { at, transport, local, remote, .. } = message;
    let head = match message.way {
        Way::Received => format!("{at}  {transport}  {remote} → {local}"),
        Way::Sent => format!("{at}  {transport}  {local} → {remote}"),
    };
    screen.line("");
    screen.line(screen.paint(Paint::Strong, head));
    let text = message.text.as_ref().or(message.hex.as_ref());
    for line in text.map(String::as_str).unwrap_or_default().lines() {
        // A message may hold anything; a terminal must not obey it.
        let shown: String = line.chars().map(|it| if it.is_control() { '·' } else { it }).collect();
        screen.line(format!("  {shown}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Colour;

    fn message(
        at_us: u64,
        way: &str,
        call_id: &str,
        remote: &str,
        text: &str,
    ) -> serde_json::Value {
        serde_json::json!({
            "at": "2026-11-23T10:00:00.000Z", "at_us": at_us, "way": way, "transport": "UDP",
            "local": "127.0.0.1:5060", "remote": remote, "call_id": call_id, "text": text,
        })
    }

    fn trace(messages: Vec<serde_json::Value>, call_id: Option<&str>) -> Trace {
        let call = call_id.map(|it| {
            serde_json::json!({
                "transaction_id": "t", "call_id": it, "state": "completed", "direction": "Outbound",
                "from": "", "to": "", "source": "", "started": "2026-11-23T09:59:59.000Z", "duration_ms": 0,
            })
        });
        let since = "2026-11-23T10:00:00.000Z";
        serde_json::from_value(
            serde_json::json!({ "call": call, "messages": messages, "since": since }),
        )
        .unwrap()
    }

    #[test]
    fn each_leg_has_its_lane_and_several_called_peers_are_told_apart() {
        let trace = trace(
            vec![
                message(10, "received", "a", "127.0.0.1:7000", "INVITE sip:x SIP/2.0\r\n\r\n"),
                message(20, "sent", "b", "127.0.0.1:7001", "INVITE sip:x SIP/2.0\r\n\r\n"),
                message(30, "received", "b", "127.0.0.1:7001", "SIP/2.0 503 No\r\n\r\n"),
                message(40, "sent", "b", "127.0.0.1:7002", "INVITE sip:x SIP/2.0\r\n\r\n"),
            ],
            Some("a"),
        );
        let lines = ladder(&trace).lines(Colour::Off);
        assert!(lines[0].contains("caller") && lines[0].trim_end().ends_with("called"));
        assert!(lines[1].contains("│ INVITE ─"), "{}", lines[1]);
        assert!(lines[3].contains("503 No [127.0.0.1:7001] │"), "{}", lines[3]);
        assert!(lines[4].contains("INVITE [127.0.0.1:7002]"), "{}", lines[4]);
    }

    #[test]
    fn messages_of_no_call_are_between_two_lanes() {
        let one = message(10, "received", "a", "127.0.0.1:7000", "OPTIONS sip:x SIP/2.0\r\n\r\n");
        let lines = ladder(&trace(vec![one], None)).lines(Colour::Off);
        assert!(lines[0].contains("peer") && lines[1].contains("OPTIONS"));
    }

    #[test]
    fn a_call_that_began_before_the_oldest_message_is_said_to_lack_its_beginning() {
        let missing = beginning_missing(&trace(vec![], Some("a"))).unwrap();
        assert!(missing.contains("before 2026-11-23T10:00:00.000Z"), "{missing}");
    }
}
