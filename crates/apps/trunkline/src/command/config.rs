//! `trunkline config check` and `trunkline config print`.

use serde_json::json;
use server::config::{Config, Origin, Setting, Sources, Value};

use crate::cli::{ConfigCommand, OutputForm, ServeArgs};
use crate::failure::Failure;
use crate::screen::{Cell, Paint, Screen, Table};

pub(crate) fn run(screen: &Screen, command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(args) => check(screen, args),
        ConfigCommand::Print(args) => print(screen, args),
    }
}

/// Reads the configuration as `serve` would.
pub(crate) fn load(args: ServeArgs) -> Result<Config, Failure> {
    Ok(Config::load(Sources::of_process(args.config, args.data_dir))?)
}

fn check(screen: &Screen, args: ServeArgs) -> Result<(), Failure> {
    let config = load(args)?;
    config.check_certificates()?;
    let set = config.settings.iter().filter(|it| it.origin != Origin::Default).count();
    match screen.form {
        OutputForm::Json => screen.json(&json!({ "ok": true, "keys_set": set })),
        OutputForm::Text => {
            let tick = screen.paint(Paint::Good, "✓");
            screen.line(format!("{tick} the configuration is good ({set} keys set)"));
        }
    }
    Ok(())
}

fn print(screen: &Screen, args: ServeArgs) -> Result<(), Failure> {
    let config = load(args)?;
    match screen.form {
        OutputForm::Json => {
            let keys: Vec<_> = config.settings.iter().map(as_json).collect();
            screen.json(&json!({ "keys": keys }));
        }
        OutputForm::Text => {
            let mut table = Table::new(["KEY", "VALUE", "ORIGIN", "WHAT IT IS"]);
            for setting in config.settings.iter() {
                let value = setting.value.as_ref().map_or("(unset)".into(), Value::to_string);
                let paint = match setting.origin {
                    Origin::Default => Paint::Faint,
                    Origin::File { .. } | Origin::Environment(_) | Origin::Flag(_) => Paint::Strong,
                };
                table.row([
                    Cell::painted(Paint::Name, setting.key.path),
                    Cell::painted(paint, value),
                    setting.origin.to_string().into(),
                    Cell::painted(Paint::Faint, setting.key.about),
                ]);
            }
            screen.table(&table);
        }
    }
    Ok(())
}

fn as_json(setting: &Setting) -> serde_json::Value {
    let value = match &setting.value {
        None => serde_json::Value::Null,
        Some(Value::Text(text)) => json!(text),
        Some(Value::Integer(number)) => json!(number),
        Some(Value::Flag(flag)) => json!(flag),
        Some(Value::List(items)) => json!(items),
    };
    json!({
        "key": setting.key.path,
        "value": value,
        "origin": setting.origin.to_string(),
        "variable": setting.key.variable(),
        "about": setting.key.about,
    })
}
