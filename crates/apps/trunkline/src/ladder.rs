//! Draws the messages of a call between lanes, one arrow per message, in order of time.

use std::time::{Duration, Instant};

use agent::{Traced, Way};
use serde_json::{Value, json};

use crate::screen::{Colour, Paint, columns, duration, padded};

/// The parties and what they said.
#[derive(Debug, Clone)]
pub(crate) struct Ladder {
    /// The parties from left to right; at least two.
    pub(crate) lanes: Vec<&'static str>,
    /// What happened, in order of time.
    pub(crate) rows: Vec<Row>,
}

/// One line of a ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row {
    /// A message.
    Arrow(Arrow),
    /// Something between all parties: audio.
    Band(String),
}

/// One message between two neighbouring lanes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrow {
    /// When, counted from the first message.
    pub(crate) at: Duration,
    /// The lane it left.
    pub(crate) from: usize,
    /// The lane it reached: a neighbour of `from`.
    pub(crate) to: usize,
    /// What it said: `INVITE`, `407 Proxy Authentication Required`.
    pub(crate) label: String,
}

/// The width of the column of times.
const TIME_COLUMNS: usize = 8;
/// The least space between two lanes.
const GAP_COLUMNS_MIN: usize = 24;

impl Arrow {
    /// A message that the party on lane `us` exchanged with the one on lane `peer`.
    pub(crate) fn of(traced: &Traced, began: Instant, us: usize, peer: usize) -> Self {
        let (from, to) = match traced.way {
            Way::Sent => (us, peer),
            Way::Received => (peer, us),
        };
        let at = traced.at.saturating_duration_since(began);
        Self { at, from, to, label: label(&traced.summary, &traced.bytes) }
    }

    /// What it means: a final answer is good or bad news, a challenge worth a look.
    fn paint(&self) -> Option<Paint> {
        match self.label.as_bytes() {
            [b'4', b'0', b'1' | b'7', ..] => Some(Paint::Notice),
            [b'1', b'0'..=b'9', ..] => Some(Paint::Faint),
            [b'2', b'0'..=b'9', ..] => Some(Paint::Good),
            [b'3'..=b'6', b'0'..=b'9', ..] => Some(Paint::Bad),
            _ => None,
        }
    }
}

/// The summary, and what else of the message tells the story.
pub(crate) fn label(summary: &str, message: &[u8]) -> String {
    let mut label = summary.to_owned();
    if header(message, "Proxy-Authorization").is_some()
        || header(message, "Authorization").is_some()
    {
        label.push_str(" + credentials");
    }
    let body = header(message, "Content-Type").is_some_and(|it| it == "application/sdp");
    if body {
        label.push_str(" (SDP)");
    }
    label
}

/// The value of a header of a message as it stands on the wire, if it stands there by its long name.
pub(crate) fn header<'a>(message: &'a [u8], name: &str) -> Option<&'a str> {
    let head = std::str::from_utf8(message.split(|byte| *byte == 0).next()?).ok()?;
    head.lines().take_while(|line| !line.is_empty()).find_map(|line| {
        let (field, value) = line.split_once(':')?;
        field.trim_end().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

impl Ladder {
    /// The lines of the drawing.
    pub(crate) fn lines(&self, colour: Colour) -> Vec<String> {
        let gap = self.gap();
        let mut lines = vec![self.heading(colour, gap)];
        lines.extend(self.rows.iter().map(|row| match row {
            Row::Arrow(arrow) => self.arrow(colour, gap, arrow),
            Row::Band(label) => self.band(colour, gap, label),
        }));
        lines
    }

    /// The messages for programs.
    pub(crate) fn as_json(&self) -> Value {
        let arrow = |row: &Row| match row {
            Row::Band(_) => None,
            Row::Arrow(it) => Some(json!({
                "at_ms": it.at.as_micros() as f64 / 1000.0,
                "from": self.lanes[it.from],
                "to": self.lanes[it.to],
                "message": it.label,
            })),
        };
        self.rows.iter().filter_map(arrow).collect()
    }

    /// Columns between two lanes: the longest label, two blanks, an arrow's head and some shaft.
    fn gap(&self) -> usize {
        let label = |row: &Row| match row {
            Row::Arrow(arrow) => columns(&arrow.label),
            Row::Band(_) => 0,
        };
        (self.rows.iter().map(label).max().unwrap_or(0) + 6).max(GAP_COLUMNS_MIN)
    }

    fn heading(&self, colour: Colour, gap: usize) -> String {
        let mut line = " ".repeat(TIME_COLUMNS + 2);
        let mut at = 0;
        for (lane, name) in self.lanes.iter().enumerate() {
            // Each name is centred on its lane, as far as the names to its left let it.
            let centre = lane * (gap + 1);
            let begin = (centre + 1).saturating_sub(columns(name).div_ceil(2)).max(at);
            line.push_str(&" ".repeat(begin - at));
            line.push_str(&colour.paint(Paint::Strong, *name));
            at = begin + columns(name);
        }
        line
    }

    fn arrow(&self, colour: Colour, gap: usize, arrow: &Arrow) -> String {
        let time = duration(arrow.at);
        let time = format!("{}{time}", " ".repeat(TIME_COLUMNS.saturating_sub(columns(&time))));
        let mut line = format!("{}  ", colour.paint(Paint::Faint, time));
        let bar = colour.paint(Paint::Faint, "│");
        let last = self.lanes.len() - 1;
        for lane in 0..last {
            line.push_str(&bar);
            if arrow.from.min(arrow.to) == lane {
                let drawn = shaft(arrow, gap);
                match arrow.paint() {
                    Some(paint) => line.push_str(&colour.paint(paint, drawn)),
                    None => line.push_str(&drawn),
                }
            } else {
                line.push_str(&padded("", gap));
            }
        }
        line.push_str(&bar);
        line
    }

    /// A double arrow across all lanes.
    fn band(&self, colour: Colour, gap: usize, label: &str) -> String {
        let inner = (self.lanes.len() - 1) * (gap + 1) - 1;
        let dashes = inner.saturating_sub(columns(label) + 4);
        let (left, right) = ("═".repeat(dashes / 2), "═".repeat(dashes - dashes / 2));
        let bar = colour.paint(Paint::Faint, "│");
        let drawn = colour.paint(Paint::Name, format!("◀{left} {label} {right}▶"));
        format!("{}{bar}{drawn}{bar}", " ".repeat(TIME_COLUMNS + 2))
    }
}

/// ` INVITE ───────▶` to the right, `◀────── 200 OK ` to the left.
fn shaft(arrow: &Arrow, gap: usize) -> String {
    let dashes = "─".repeat(gap.saturating_sub(columns(&arrow.label) + 3));
    if arrow.from < arrow.to {
        format!(" {} {dashes}▶", arrow.label)
    } else {
        format!("◀{dashes} {} ", arrow.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrow(millis: u64, from: usize, to: usize, label: &str) -> Row {
        Row::Arrow(Arrow { at: Duration::from_millis(millis), from, to, label: label.into() })
    }

    #[test]
    fn arrows_point_from_the_sender_to_the_receiver_and_every_line_is_as_wide() {
        let ladder = Ladder {
            lanes: vec!["PBX", "trunkline", "carrier"],
            rows: vec![
                arrow(0, 0, 1, "INVITE"),
                arrow(1, 1, 0, "407 Proxy Authentication Required"),
                arrow(12, 1, 2, "INVITE"),
                arrow(1500, 2, 1, "200 OK"),
                Row::Band("audio".into()),
            ],
        };
        let lines = ladder.lines(Colour::Off);
        assert!(lines[0].contains("PBX") && lines[0].trim_end().ends_with("carrier"));
        assert!(lines[1].starts_with("  0.0 ms  │ INVITE ──"), "{}", lines[1]);
        assert!(lines[1].contains("▶│") && lines[1].ends_with('│'));
        assert!(lines[2].contains("│◀──") && lines[2].contains("407 Proxy Auth"), "{}", lines[2]);
        assert!(lines[4].ends_with("200 OK │"), "{}", lines[4]);
        assert!(lines[5].contains("│◀══") && lines[5].ends_with("══▶│"), "{}", lines[5]);
        let widths: Vec<usize> = lines[1..].iter().map(|it| columns(it)).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{widths:?}");
    }

    #[test]
    fn names_stand_over_their_lanes() {
        let ladder = Ladder { lanes: vec!["A", "B"], rows: vec![arrow(0, 0, 1, "x")] };
        let lines = ladder.lines(Colour::Off);
        let lane = |line: &str, what: char| line.chars().position(|it| it == what);
        assert_eq!(lane(&lines[0], 'A'), lane(&lines[1], '│'));
        let last = lines[1].chars().collect::<Vec<_>>().iter().rposition(|it| *it == '│');
        assert_eq!(lane(&lines[0], 'B'), last);
    }

    #[test]
    fn a_header_is_found_by_its_name_in_any_case_and_never_in_the_body() {
        let message = b"INVITE sip:x SIP/2.0\r\ncall-id: a@b \r\nTo : x\r\n\r\nCall-ID: body\r\n";
        assert_eq!(header(message, "Call-ID"), Some("a@b"));
        assert_eq!(header(message, "To"), Some("x"));
        assert_eq!(header(b"A: b\r\n\r\nFrom: c", "From"), None);
    }
}
