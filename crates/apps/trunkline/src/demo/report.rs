//! What the demo shows: each step as it is done, then the ladder, the quality, the record, and the
//! way to do the same with boto3.

use std::time::{Duration, Instant};

use agent::Traced;
use api::operator::dto;
use serde_json::{Value, json};

use super::{PASSWORD, TALK, USERNAME};
use crate::cli::OutputForm;
use crate::failure::Failure;
use crate::ladder::{Arrow, Ladder, Row};
use crate::quality;
use crate::screen::{Paint, Screen, columns, duration, padded};
use crate::test_call::Placed;

/// The width of the names of steps: the longest operation's.
const NAME_COLUMNS: usize = 40;
/// The width of the times of steps.
const TIME_COLUMNS: usize = 8;

/// The demo's output, gathered as it goes.
pub(super) struct Report<'a> {
    screen: &'a Screen,
    began: Instant,
    steps: Vec<Step>,
    ladder: Option<Ladder>,
    record: Option<dto::Call>,
    boto3: Vec<String>,
}

/// A step that held.
#[derive(Debug, Clone)]
pub(super) struct Step {
    name: &'static str,
    told: String,
    took: Duration,
}

impl<'a> Report<'a> {
    pub(super) fn begin(screen: &'a Screen) -> Self {
        if screen.form == OutputForm::Text {
            let title = screen.paint(Paint::Strong, "trunkline demo");
            let rest = screen.paint(Paint::Faint, "a first call, offline: no account, no network");
            screen.line(format!("\n  {title}  {rest}\n"));
        }
        screen.going_on("start a private service");
        Self {
            screen,
            began: Instant::now(),
            steps: Vec::new(),
            ladder: None,
            record: None,
            boto3: Vec::new(),
        }
    }

    /// Says what is being done, and tells when it began.
    pub(super) fn going_on(&self, name: &str) -> Instant {
        self.screen.going_on(name);
        Instant::now()
    }

    /// Notes and shows a step that held.
    pub(super) fn done(&mut self, began: Instant, name: &'static str, told: impl Into<String>) {
        let step = Step { name, told: told.into(), took: began.elapsed() };
        if self.screen.form == OutputForm::Text {
            self.screen.clear_going_on();
            let took = duration(step.took);
            let took = format!("{}{took}", " ".repeat(TIME_COLUMNS.saturating_sub(columns(&took))));
            self.screen.line(format!(
                "  {} {} {}  {}",
                self.screen.paint(Paint::Good, "✓"),
                padded(name, NAME_COLUMNS),
                self.screen.paint(Paint::Faint, took),
                self.screen.paint(Paint::Faint, step.told.as_str()),
            ));
        }
        self.steps.push(step);
    }

    /// Shows the step that did not hold; it is the demo's outcome.
    pub(super) fn failed(self, name: &'static str, failure: Failure) -> Result<(), Failure> {
        match self.screen.form {
            OutputForm::Json => {
                self.screen.json(&self.as_json(Some((name, &failure))));
                Err(Failure::Told)
            }
            OutputForm::Text => {
                self.screen.clear_going_on();
                self.screen.line(format!("  {} {name}", self.screen.paint(Paint::Bad, "✗")));
                Err(failure)
            }
        }
    }

    /// Takes the messages of both ends of the call.
    pub(super) fn set_ladder(&mut self, placed: &Placed, carrier: &[Traced]) {
        let began = placed.began();
        let mut arrows: Vec<Arrow> = placed.arrows().collect();
        arrows.extend(carrier.iter().map(|it| Arrow::of(it, began, 2, 1)));
        arrows.sort_by_key(|it| it.at);
        let mut rows: Vec<Row> = arrows.into_iter().map(Row::Arrow).collect();
        let is_bye = |row: &Row| matches!(row, Row::Arrow(it) if it.label.starts_with("BYE"));
        if let Some(at) = rows.iter().position(is_bye) {
            let label = format!("RTP both ways, 1 kHz, {}", duration(TALK));
            rows.insert(at, Row::Band(label));
        }
        self.ladder = Some(Ladder { lanes: vec!["PBX", "trunkline", "carrier"], rows });
    }

    pub(super) fn set_record(&mut self, record: dto::Call) {
        self.record = Some(record);
    }

    /// The three lines that put the credential with boto3.
    pub(super) fn set_boto3(&mut self, connector: &str) {
        self.boto3 = vec![
            "import boto3".into(),
            "chime = boto3.Session(profile_name=\"trunkline\").client(\"chime-sdk-voice\", \
             endpoint_url=\"http://127.0.0.1:8060\")"
                .into(),
            format!(
                "chime.put_voice_connector_termination_credentials(VoiceConnectorId=\"{connector}\", \
                 Credentials=[{{\"Username\": \"{USERNAME}\", \"Password\": \"{PASSWORD}\"}}])"
            ),
        ];
    }

    /// Shows everything that was gathered.
    pub(super) fn finish(self) {
        let screen = self.screen;
        if screen.form == OutputForm::Json {
            return screen.json(&self.as_json(None));
        }
        if let Some(ladder) = &self.ladder {
            self.heading("The call on the wire");
            ladder.lines(screen.colour).iter().for_each(|line| screen.line(format!("  {line}")));
        }
        if let Some(record) = &self.record {
            self.heading("Audio as trunkline heard it");
            let lines = quality::table(&record.quality).lines(screen.colour);
            lines.iter().for_each(|line| screen.line(format!("  {line}")));
            self.heading("The call record");
            for (name, value) in record_fields(record) {
                screen.line(format!("  {}  {value}", screen.paint(Paint::Faint, padded(name, 11))));
            }
        }
        self.heading("The same with boto3, against `trunkline serve`");
        screen.line(format!(
            "  {}",
            screen.paint(
                Paint::Faint,
                "export AWS_SHARED_CREDENTIALS_FILE=trunkline-data/credentials"
            )
        ));
        self.boto3.iter().for_each(|line| screen.line(format!("  {line}")));
        let took = duration(self.began.elapsed());
        let tick = screen.paint(Paint::Good, "✓");
        screen.line(format!("\n  {tick} all {} steps held, in {took}\n", self.steps.len()));
    }

    fn heading(&self, text: &str) {
        self.screen.line(format!("\n  {}\n", self.screen.paint(Paint::Strong, text)));
    }

    fn as_json(&self, failed: Option<(&str, &Failure)>) -> Value {
        let step = |it: &Step| {
            json!({
                "step": it.name,
                "ok": true,
                "told": it.told,
                "took_ms": it.took.as_micros() as f64 / 1000.0,
            })
        };
        let mut steps: Vec<Value> = self.steps.iter().map(step).collect();
        if let Some((name, failure)) = failed {
            steps.push(json!({ "step": name, "ok": false, "told": failure.to_string() }));
        }
        json!({
            "ok": failed.is_none(),
            "took_ms": self.began.elapsed().as_micros() as f64 / 1000.0,
            "steps": steps,
            "ladder": self.ladder.as_ref().map(Ladder::as_json),
            "record": self.record,
            "boto3": self.boto3,
        })
    }
}

fn record_fields(record: &dto::Call) -> Vec<(&'static str, String)> {
    let length = duration(Duration::from_millis(record.duration_ms));
    vec![
        ("call", format!("{} → {}", record.from, record.to)),
        ("transaction", record.transaction_id.clone()),
        ("SIP user", record.sip_user.clone().unwrap_or_default()),
        ("carrier", record.carrier.clone().unwrap_or_default()),
        ("started", record.started.to_string()),
        ("length", length),
        ("ended", format!("{} ({})", record.reason, record.status_message)),
    ]
}
