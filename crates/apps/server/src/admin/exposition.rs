//! The text that Prometheus reads.

use std::fmt::{Display, Write};

/// A page of metrics in the Prometheus text format, version 0.0.4.
///
/// Names are base units; labels are few and bounded (a reason, a transport, 200 places), never a
/// call.
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

impl Exposition {
    /// The page's media type.
    pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// A number that only rises.
    pub(crate) fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, help, "counter");
        self.sample(name, &[], value);
    }

    /// A number that rises and falls.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, help, "gauge");
        self.sample(name, &[], value);
    }

    /// Numbers that only rise, one per value of a label.
    pub(crate) fn counters<L: Display, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (L, V)>,
    ) {
        self.family(name, help, "counter", label, values);
    }

    /// Numbers that only rise, one per combination of labels.
    pub(crate) fn counters_by(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str],
        values: impl IntoIterator<Item = (Vec<String>, String)>,
    ) {
        self.family_by(name, help, "counter", labels, values);
    }

    /// Numbers that rise and fall, one per combination of labels.
    pub(crate) fn gauges_by(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str],
        values: impl IntoIterator<Item = (Vec<String>, String)>,
    ) {
        self.family_by(name, help, "gauge", labels, values);
    }

    fn family_by(
        &mut self,
        name: &str,
        help: &str,
        kind: &str,
        labels: &[&str],
        values: impl IntoIterator<Item = (Vec<String>, String)>,
    ) {
        self.head(name, help, kind);
        for (texts, number) in values {
            let pairs: Vec<(&str, &dyn Display)> =
                labels.iter().copied().zip(texts.iter().map(|it| it as &dyn Display)).collect();
            self.sample(name, &pairs, number);
        }
    }

    /// Numbers that rise and fall, one per value of a label.
    pub(crate) fn gauges<L: Display, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (L, V)>,
    ) {
        self.family(name, help, "gauge", label, values);
    }

    /// The line that says what runs here.
    pub(crate) fn info(&mut self, name: &str, help: &str, label: &str, value: &str) {
        self.head(name, help, "gauge");
        self.sample(name, &[(label, &value)], 1);
    }

    /// The finished page.
    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn family<L: Display, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        kind: &str,
        label: &str,
        values: impl IntoIterator<Item = (L, V)>,
    ) {
        self.head(name, help, kind);
        for (value, number) in values {
            self.sample(name, &[(label, &value)], number);
        }
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let open = if at == 0 { '{' } else { ',' };
            let text =
                text.to_string().replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            self.line(format_args!("{open}{label}=\"{text}\""));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        self.line(format_args!(" {value}\n"));
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        self.0.write_fmt(text).expect("writing to a String cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_help_type_and_samples_with_escaped_labels() {
        let mut page = Exposition::default();
        page.gauge("trunkline_calls_live", "Calls that go on.", 2);
        page.counters("trunkline_x_total", "X.", "reason", [("a\"b", 1), ("c", 2)]);
        assert_eq!(
            page.finish(),
            "# HELP trunkline_calls_live Calls that go on.\n\
             # TYPE trunkline_calls_live gauge\n\
             trunkline_calls_live 2\n\
             # HELP trunkline_x_total X.\n\
             # TYPE trunkline_x_total counter\n\
             trunkline_x_total{reason=\"a\\\"b\"} 1\n\
             trunkline_x_total{reason=\"c\"} 2\n"
        );
    }
}
