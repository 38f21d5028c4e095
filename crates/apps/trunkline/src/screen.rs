//! What a person sees: colour on a terminal only and never with `NO_COLOR`, ticks, tables.

use std::borrow::Cow;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use crate::cli::OutputForm;
use crate::failure::Failure;

/// Why a line could not be written to standard output, if one could not.
static UNWRITTEN: OnceLock<String> = OnceLock::new();

/// A colour by what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// It held.
    Good,
    /// It did not.
    Bad,
    /// Worth a look.
    Notice,
    /// What matters on a line.
    Strong,
    /// What does not.
    Faint,
    /// A name.
    Name,
}

impl Paint {
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Notice => "33",
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Name => "36",
        }
    }
}

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    On,
    Off,
}

impl Colour {
    /// The text in the colour of `paint`, or as it is.
    pub(crate) fn paint<'a>(self, paint: Paint, text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        let text = text.into();
        match self {
            Self::On if !text.is_empty() => format!("\x1b[{}m{text}\x1b[0m", paint.code()).into(),
            Self::On | Self::Off => text,
        }
    }
}

/// Standard output, as the flags and the terminal want it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) form: OutputForm,
    pub(crate) colour: Colour,
    /// Whether lines can be redrawn.
    terminal: Terminal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Terminal {
    Yes,
    No,
}

impl Screen {
    /// Standard output of this process.
    pub(crate) fn of_process(form: OutputForm) -> Self {
        let terminal = if std::io::stdout().is_terminal() { Terminal::Yes } else { Terminal::No };
        let colour = if terminal == Terminal::Yes { colour_wanted() } else { Colour::Off };
        Self { form, colour, terminal }
    }

    pub(crate) fn paint<'a>(&self, paint: Paint, text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        self.colour.paint(paint, text)
    }

    /// Writes a line. A reader that went away is no reason to stop working.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        match writeln!(std::io::stdout(), "{}", text.as_ref()) {
            // A closed pipe (`trunkline calls | head -1`) is the reader's decision.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                // The first cause is the one to tell.
                let _ = UNWRITTEN.set(error.to_string());
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Whether all lines were written, closed pipes aside: some, such as a new key's secret, are told
    /// only once.
    pub(crate) fn written(&self) -> Result<(), Failure> {
        let Some(error) = UNWRITTEN.get() else { return Ok(()) };
        Err(Failure::Failed(format!(
            "it was done, but standard output could not be written: {error}"
        )))
    }

    /// Writes a document for programs.
    pub(crate) fn json(&self, document: &impl serde::Serialize) {
        let text = serde_json::to_string_pretty(document).expect("our documents have text keys");
        self.line(text);
    }

    /// Says that something was done.
    pub(crate) fn done(&self, text: &str) {
        match self.form {
            OutputForm::Json => self.json(&serde_json::json!({ "done": text })),
            OutputForm::Text => self.line(format!("{} {text}", self.paint(Paint::Good, "✓"))),
        }
    }

    /// Writes a table.
    pub(crate) fn table(&self, table: &Table) {
        table.lines(self.colour).iter().for_each(|line| self.line(line));
    }

    /// Writes named values below one another.
    pub(crate) fn fields(&self, fields: &[(&str, String)]) {
        let width = fields.iter().map(|(name, _)| columns(name)).max().unwrap_or(0);
        for (name, value) in fields {
            self.line(format!("{}  {value}", self.paint(Paint::Faint, padded(name, width))));
        }
    }

    /// Says what is going on, on a terminal only; the next line written takes its place.
    pub(crate) fn going_on(&self, text: &str) {
        if self.terminal == Terminal::Yes && self.form == OutputForm::Text {
            let mut out = std::io::stdout();
            let _ = write!(out, "\r\x1b[2K  {}", self.paint(Paint::Faint, format!("◌ {text}")));
            let _ = out.flush();
        }
    }

    /// Takes away what [`Screen::going_on`] said.
    pub(crate) fn clear_going_on(&self) {
        if self.terminal == Terminal::Yes && self.form == OutputForm::Text {
            let _ = write!(std::io::stdout(), "\r\x1b[2K");
        }
    }
}

/// Whether the environment lets us colour: <https://no-color.org>.
pub(crate) fn colour_wanted() -> Colour {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|it| it == "dumb");
    if refused || dumb { Colour::Off } else { Colour::On }
}

/// A table with a heading, its columns as wide as their widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// One cell and its colour.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    paint: Option<Paint>,
}

impl Cell {
    pub(crate) fn painted(paint: Paint, text: impl Into<String>) -> Self {
        Self { text: text.into(), paint: Some(paint) }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), paint: None }
    }
}

impl Table {
    pub(crate) fn new(headings: impl Into<Vec<&'static str>>) -> Self {
        Self { headings: headings.into(), rows: Vec::new() }
    }

    /// Adds a row of as many cells as there are headings.
    pub(crate) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        let cells = cells.into();
        debug_assert_eq!(cells.len(), self.headings.len(), "a row has a cell for each heading");
        self.rows.push(cells);
    }

    /// The lines of the table, without blanks at their ends.
    pub(crate) fn lines(&self, colour: Colour) -> Vec<String> {
        let widths: Vec<usize> = (0..self.headings.len())
            .map(|column| {
                let cells = self.rows.iter().map(|row| columns(&row[column].text));
                cells.chain([columns(self.headings[column])]).max().unwrap_or(0)
            })
            .collect();
        let heading: Vec<Cell> =
            self.headings.iter().map(|it| Cell::painted(Paint::Faint, *it)).collect();
        std::iter::once(&heading)
            .chain(&self.rows)
            .map(|row| {
                let mut line = String::new();
                let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
                for (at, (cell, width)) in row.iter().zip(&widths).enumerate().take(last + 1) {
                    match cell.paint {
                        Some(paint) => line.push_str(&colour.paint(paint, cell.text.as_str())),
                        None => line.push_str(&cell.text),
                    }
                    if at < last {
                        let gap = width - columns(&cell.text) + 2;
                        line.extend(std::iter::repeat_n(' ', gap));
                    }
                }
                line
            })
            .collect()
    }
}

/// How many columns a text takes. Ours holds no wide or combining characters.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The text with blanks after it up to a width.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// A duration for people: `0.4 ms`, `12 ms`, `1.50 s`, `1 h 02 min`.
pub(crate) fn duration(of: std::time::Duration) -> String {
    let micros = of.as_micros();
    let seconds = of.as_secs();
    match micros {
        0..=9_999 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..=999_999 => format!("{} ms", micros / 1000),
        1_000_000..=59_999_999 => format!("{}.{:02} s", seconds, micros % 1_000_000 / 10_000),
        _ if seconds < 3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_end_without_blanks() {
        let mut table = Table::new(["NAME", "PORT"]);
        table.row(["a".into(), "5060".into()]);
        table.row(["much-longer".into(), "".into()]);
        assert_eq!(
            table.lines(Colour::Off),
            ["NAME         PORT", "a            5060", "much-longer"]
        );
    }

    #[test]
    fn colour_changes_no_width() {
        let mut table = Table::new(["A", "B"]);
        table.row([Cell::painted(Paint::Good, "x"), "y".into()]);
        let plain: Vec<String> = table.lines(Colour::On).iter().map(|it| uncoloured(it)).collect();
        assert_eq!(plain, table.lines(Colour::Off));
    }

    #[test]
    fn durations_are_written_with_the_unit_that_fits() {
        for (micros, written) in [
            (0, "0.0 ms"),
            (430, "0.4 ms"),
            (12_345, "12 ms"),
            (1_504_000, "1.50 s"),
            (61_000_000, "1 min 01 s"),
            (3_723_000_000, "1 h 02 min"),
        ] {
            assert_eq!(duration(Duration::from_micros(micros)), written);
        }
    }

    fn uncoloured(text: &str) -> String {
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('\x1b') {
            plain.push_str(&rest[..at]);
            rest = &rest[at..];
            rest = &rest[rest.find('m').unwrap() + 1..];
        }
        plain + rest
    }
}
