//! What was heard, for people and for programs.

use std::time::Duration;

use media::EndpointReport;
use model::LegQuality;
use serde_json::{Value, json};

use crate::screen::{Cell, Paint, Screen, Table, duration};

/// The service's measurements of both sides, one row each.
pub(crate) fn table(legs: &[LegQuality]) -> Table {
    let mut table = Table::new(["HEARD FROM", "PACKETS", "LOST", "JITTER", "ROUND TRIP", "MOS"]);
    for leg in legs {
        let micros = |it: u64| duration(Duration::from_micros(it));
        table.row([
            Cell::painted(Paint::Name, &leg.leg),
            leg.packets.to_string().into(),
            lost(leg.lost),
            micros(leg.jitter_us).into(),
            leg.rtt_us.map(micros).unwrap_or_default().into(),
            leg.mos.map(mos).unwrap_or_else(|| Cell::painted(Paint::Bad, "nothing heard")),
        ]);
    }
    table
}

fn lost(packets: u64) -> Cell {
    let paint = if packets == 0 { Paint::Good } else { Paint::Notice };
    Cell::painted(paint, packets.to_string())
}

/// ITU-T G.107: above 4.0 users are satisfied, below 3.6 many are not.
fn mos(score: f32) -> Cell {
    let paint = match score {
        4.0.. => Paint::Good,
        3.6.. => Paint::Notice,
        _ => Paint::Bad,
    };
    Cell::painted(paint, format!("{score:.2}"))
}

/// What one end heard, on one line.
pub(crate) fn heard_line(screen: &Screen, report: &EndpointReport) -> String {
    let heard = &report.heard;
    let (mark, paint, what) = if heard.packets == 0 {
        ("✗", Paint::Bad, "nothing was heard".to_owned())
    } else {
        let sound = if heard.has_tone() { "the 1 kHz tone" } else { "audio" };
        let share = heard.packets_expected.max(heard.packets);
        ("✓", Paint::Good, format!("heard {sound}: {} of {share} packets", heard.packets))
    };
    let digits = match heard.digits.as_str() {
        "" => String::new(),
        digits => format!(", keys {digits}"),
    };
    let score = report.mos.map(|it| format!(", MOS {it:.2}")).unwrap_or_default();
    format!(
        "{} {what}{digits}{score}; sent {} packets",
        screen.paint(paint, mark),
        report.packets_sent
    )
}

/// What one end heard, for programs.
pub(crate) fn heard_json(report: &EndpointReport) -> Value {
    let heard = &report.heard;
    let micros = |it: Duration| it.as_micros() as u64;
    json!({
        "packets": heard.packets,
        "packets_expected": heard.packets_expected,
        "packets_lost": heard.packets_lost,
        "packets_sent": report.packets_sent,
        "tone": heard.has_tone(),
        "tone_packets": heard.tone_packets,
        "digits": heard.digits,
        "jitter_us": micros(heard.jitter),
        "round_trip_us": report.round_trip.map(micros),
        "mos": report.mos,
    })
}
