//! `trunkline doctor`: what is wrong with this machine, this configuration and this service, before a
//! call shows it.
//!
//! Facts are gathered by [`machine`], [`files`] and [`service`]; what follows from a fact is decided
//! in pure functions beside it, and each finding that is not good names its remedy.

mod files;
mod finding;
mod holder;
mod machine;
mod network;
mod service;

use serde_json::json;
use server::config::{Config, Sources};

use self::finding::{Finding, Verdict};
use crate::cli::{Common, OutputForm, ServeArgs};
use crate::failure::Failure;
use crate::screen::{Paint, Screen, columns, padded};

pub(crate) async fn run(screen: &Screen, common: &Common, args: ServeArgs) -> Result<(), Failure> {
    let sources = Sources::of_process(args.config, args.data_dir);
    let (config, refused) = match Config::load(sources) {
        Ok(config) => (config, None),
        Err(error) => {
            let defaults = Config::load(Sources::default());
            (defaults.expect("the defaults are a good configuration"), Some(error.to_string()))
        }
    };
    let mut findings = vec![configuration(&config, refused.as_deref())];
    screen.going_on("looking at this machine and its disk");
    findings.extend(machine::findings(&config));
    findings.extend(files::findings(&config.storage));
    screen.going_on("looking at names and ports");
    findings.extend(network::findings(&config).await);
    screen.going_on("asking the service");
    findings.extend(service::findings(common, &config).await);
    screen.clear_going_on();
    tell(screen, &findings);
    match (refused, worst(&findings)) {
        (Some(_), _) => Err(Failure::Configuration("see the first finding".into())),
        (None, Verdict::Bad) => Err(Failure::Told),
        (None, Verdict::Good | Verdict::Note | Verdict::Warning) => Ok(()),
    }
}

fn configuration(config: &Config, refused: Option<&str>) -> Finding {
    const RULE: &str = "configuration";
    match refused {
        Some(error) => Finding::bad(
            RULE,
            error,
            "mend that; what follows was looked at as if nothing had been configured",
        ),
        None => {
            let at_default =
                |it: &&server::config::Setting| it.origin != server::config::Origin::Default;
            let set = config.settings.iter().filter(at_default).count();
            Finding::good(RULE, format!("every key is understood, {set} set"))
        }
    }
}

fn worst(findings: &[Finding]) -> Verdict {
    findings.iter().map(|it| it.verdict).max().unwrap_or(Verdict::Good)
}

fn tell(screen: &Screen, findings: &[Finding]) {
    match screen.form {
        OutputForm::Json => {
            let ok = worst(findings) < Verdict::Bad;
            screen.json(&json!({ "ok": ok, "findings": findings }));
        }
        OutputForm::Text => {
            let width = findings.iter().map(|it| columns(it.rule)).max().unwrap_or(0);
            findings.iter().for_each(|it| line(screen, it, width));
            screen.line("");
            screen.line(summary(screen, findings));
        }
    }
}

fn line(screen: &Screen, finding: &Finding, width: usize) {
    let (mark, paint) = match finding.verdict {
        Verdict::Good => ("✓", Paint::Good),
        Verdict::Note => ("·", Paint::Faint),
        Verdict::Warning => ("!", Paint::Notice),
        Verdict::Bad => ("✗", Paint::Bad),
    };
    let rule = padded(finding.rule, width);
    screen.line(format!(
        "{} {}  {}",
        screen.paint(paint, mark),
        screen.paint(Paint::Strong, rule),
        finding.seen
    ));
    if !finding.remedy.is_empty() {
        let indent = " ".repeat(width + 4);
        screen.line(format!(
            "{indent}{} {}",
            screen.paint(Paint::Faint, "remedy:"),
            finding.remedy
        ));
    }
}

fn summary(screen: &Screen, findings: &[Finding]) -> String {
    let count = |wanted| findings.iter().filter(|it| it.verdict == wanted).count();
    let text = match (count(Verdict::Bad), count(Verdict::Warning)) {
        (0, 0) => "Nothing is wrong.".into(),
        (0, warnings) => format!("Nothing is broken; {warnings} to look at."),
        (bad, warnings) => format!("{bad} broken, {warnings} to look at."),
    };
    let paint = match worst(findings) {
        Verdict::Good | Verdict::Note => Paint::Good,
        Verdict::Warning => Paint::Notice,
        Verdict::Bad => Paint::Bad,
    };
    screen.paint(paint, text).into_owned()
}
