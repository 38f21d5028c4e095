//! Draws the messages of a call between lanes, one arrow per message, in order of time.

use std::time::Duration;

use crate::screen::{Colour, Paint, columns, duration, padded};

/// The parties and what they said.
#[derive(Debug, Clone)]
pub(crate) struct Ladder {
    /// The parties from left to right; at least two.
    pub(crate) lanes: Vec<&'static str>,
    /// What they said, in order of time.
    pub(crate) arrows: Vec<Arrow>,
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
    /// What it means.
    pub(crate) paint: Option<Paint>,
}

/// The width of the column of times.
const TIME_COLUMNS: usize = 9;
/// The least space between two lanes.
const GAP_COLUMNS_MIN: usize = 24;

impl Ladder {
    /// The lines of the drawing.
    pub(crate) fn lines(&self, colour: Colour) -> Vec<String> {
        let gap = self.gap();
        let mut lines = vec![self.heading(colour, gap)];
        lines.extend(self.arrows.iter().map(|arrow| self.row(colour, gap, arrow)));
        lines
    }

    /// Columns between two lanes: the longest label, two blanks, an arrow's head and some shaft.
    fn gap(&self) -> usize {
        let longest = self.arrows.iter().map(|it| columns(&it.label)).max().unwrap_or(0);
        (longest + 7).max(GAP_COLUMNS_MIN)
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

    fn row(&self, colour: Colour, gap: usize, arrow: &Arrow) -> String {
        let time = duration(arrow.at);
        let time = format!("{}{time}", " ".repeat(TIME_COLUMNS.saturating_sub(columns(&time))));
        let mut line = format!("{}  ", colour.paint(Paint::Faint, time));
        let bar = colour.paint(Paint::Faint, "│");
        for lane in 0..self.lanes.len() {
            line.push_str(&bar);
            let next = lane + 1;
            if next == self.lanes.len() {
                break;
            }
            if arrow.from.min(arrow.to) == lane {
                let drawn = shaft(arrow, gap);
                match arrow.paint {
                    Some(paint) => line.push_str(&colour.paint(paint, drawn)),
                    None => line.push_str(&drawn),
                }
            } else {
                line.push_str(&padded("", gap));
            }
        }
        line
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

    fn arrow(millis: u64, from: usize, to: usize, label: &str) -> Arrow {
        let at = Duration::from_millis(millis);
        Arrow { at, from, to, label: label.into(), paint: None }
    }

    #[test]
    fn arrows_point_from_the_sender_to_the_receiver_and_every_line_is_as_wide() {
        let ladder = Ladder {
            lanes: vec!["PBX", "trunkline", "carrier"],
            arrows: vec![
                arrow(0, 0, 1, "INVITE"),
                arrow(1, 1, 0, "407 Proxy Authentication Required"),
                arrow(12, 1, 2, "INVITE"),
                arrow(1500, 2, 1, "200 OK"),
            ],
        };
        let lines = ladder.lines(Colour::Off);
        assert!(lines[0].contains("PBX") && lines[0].trim_end().ends_with("carrier"));
        assert!(lines[1].starts_with("   0.0 ms  │ INVITE ──"), "{}", lines[1]);
        assert!(lines[1].contains("▶│") && lines[1].ends_with('│'));
        assert!(lines[2].contains("│◀──") && lines[2].contains("407 Proxy Auth"), "{}", lines[2]);
        assert!(lines[4].trim_end().ends_with("200 OK │"), "{}", lines[4]);
        let widths: Vec<usize> = lines[1..].iter().map(|it| columns(it)).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{widths:?}");
    }

    #[test]
    fn names_stand_over_their_lanes() {
        let ladder = Ladder { lanes: vec!["A", "B"], arrows: vec![arrow(0, 0, 1, "x")] };
        let lines = ladder.lines(Colour::Off);
        let lane = |line: &str, what: char| line.chars().position(|it| it == what);
        assert_eq!(lane(&lines[0], 'A'), lane(&lines[1], '│'));
        let last = lines[1].chars().collect::<Vec<_>>().iter().rposition(|it| *it == '│');
        assert_eq!(lane(&lines[0], 'B'), last);
    }
}
