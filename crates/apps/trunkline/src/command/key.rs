//! `trunkline key`: access keys of accounts.

use std::path::Path;
use std::sync::Arc;

use api::operator::dto;
use model::{AccountId, KeyPolicy, KeyStatus, Policy};

use super::read_text;
use crate::cli::{Common, KeyCommand, OutputForm};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::screen::{Cell, Paint, Screen, Table};

pub(crate) async fn run(
    screen: &Screen,
    common: &Common,
    command: KeyCommand,
) -> Result<(), Failure> {
    match command {
        KeyCommand::Create { account, name, policy, data_dir } => {
            let account = account.as_deref().map(AccountId::parse).transpose()?;
            let policy = read_policy(&policy)?;
            let request = dto::CreateKey { account, policy, name: name.unwrap_or_default() };
            let created = match data_dir {
                None => Connection::open(common)?.create_key(&request).await?,
                Some(directory) => {
                    let sources = server::config::Sources::of_process(None, Some(directory));
                    server::create_key(&server::config::Config::load(sources)?, request).await?
                }
            };
            show_created(screen, &created);
        }
        KeyCommand::Policy { id, set: None } => {
            let list = Connection::open(common)?.keys(None).await?;
            let found = list.keys.into_iter().find(|it| it.access_key_id == id);
            let key = found.ok_or_else(|| {
                Failure::Failed(format!(
                    "there is no access key '{id}'; `trunkline key list` names those that there are"
                ))
            })?;
            show_policy(screen, &key);
        }
        KeyCommand::Policy { id, set: Some(policy) } => {
            let request = dto::SetKeyPolicy { policy: read_policy(&policy)? };
            let key = Connection::open(common)?.set_key_policy(&id, &request).await?;
            let now = format!("has the policy {} from now on", key.policy.name());
            show_changed(screen, &key, &now);
            warn_of_unknown_actions(&key);
        }
        KeyCommand::List { account } => {
            let account = account.as_deref().map(AccountId::parse).transpose()?;
            let list = Connection::open(common)?.keys(account).await?;
            show_list(screen, &list);
        }
        KeyCommand::Disable { id } => {
            let key = Connection::open(common)?.set_key_status(&id, KeyStatus::Disabled).await?;
            show_changed(
                screen,
                &key,
                "is disabled: requests signed by it are refused from now on",
            );
        }
        KeyCommand::Enable { id } => {
            let key = Connection::open(common)?.set_key_status(&id, KeyStatus::Enabled).await?;
            show_changed(screen, &key, "is enabled");
        }
        KeyCommand::Delete { id } => {
            Connection::open(common)?.delete_key(&id).await?;
            screen.done(&format!("key {id} is deleted"));
        }
    }
    Ok(())
}

/// Reads a policy: the name of a built-in one, or a file.
fn read_policy(named: &Path) -> Result<KeyPolicy, Failure> {
    if let Some(built_in) = named.to_str().and_then(KeyPolicy::built_in) {
        return Ok(built_in);
    }
    let text = read_text(named).map_err(|failure| {
        Failure::Usage(format!("{failure}; a policy is full, read-only, or the name of a file"))
    })?;
    let policy = Policy::parse(&text)
        .map_err(|error| Failure::Usage(format!("{}: {error}", named.display())))?;
    Ok(KeyPolicy::Custom(Arc::new(policy)))
}

/// Says which actions of a key's policy name nothing: most often they are misspelled.
fn warn_of_unknown_actions(key: &dto::Key) {
    if !key.unknown_actions.is_empty() {
        eprintln!(
            "warning: the policy names actions that this API does not have: {}; `trunkline api --list` \
             names those that it has",
            key.unknown_actions.join(", ")
        );
    }
}

fn show_policy(screen: &Screen, key: &dto::Key) {
    match (&key.policy, screen.form) {
        (KeyPolicy::Full | KeyPolicy::ReadOnly, OutputForm::Text) => screen.line(key.policy.name()),
        (policy, OutputForm::Text | OutputForm::Json) => screen.json(policy),
    }
    warn_of_unknown_actions(key);
}

fn show_created(screen: &Screen, created: &dto::CreatedKey) {
    let dto::CreatedKey { key, secret_access_key } = created;
    warn_of_unknown_actions(key);
    match screen.form {
        OutputForm::Json => screen.json(&serde_json::json!({
            "access_key_id": key.access_key_id,
            "secret_access_key": secret_access_key.expose(),
            "account": key.account,
            "name": key.name,
            "policy": key.policy,
            "status": key.status,
            "created": key.created,
        })),
        OutputForm::Text => {
            screen.line(format!("# account {}; the secret is not shown again", key.account));
            screen.line("[trunkline]");
            screen.line(format!("aws_access_key_id = {}", key.access_key_id));
            screen.line(format!("aws_secret_access_key = {}", secret_access_key.expose()));
        }
    }
}

fn show_list(screen: &Screen, list: &dto::KeyList) {
    if screen.form == OutputForm::Json {
        return screen.json(list);
    }
    let mut table = Table::new(["ACCESS KEY ID", "ACCOUNT", "NAME", "POLICY", "STATUS", "CREATED"]);
    for key in &list.keys {
        let status = match key.status {
            KeyStatus::Enabled => Cell::painted(Paint::Good, "enabled"),
            KeyStatus::Disabled => Cell::painted(Paint::Bad, "disabled"),
        };
        let policy = match &key.policy {
            KeyPolicy::Full | KeyPolicy::ReadOnly => key.policy.name().to_owned(),
            KeyPolicy::Custom(policy) => match policy.statement_count() {
                1 => "custom, 1 statement".to_owned(),
                count => format!("custom, {count} statements"),
            },
        };
        table.row([
            Cell::painted(Paint::Name, &key.access_key_id),
            key.account.to_string().into(),
            key.name.clone().into(),
            policy.into(),
            status,
            key.created.to_string().into(),
        ]);
    }
    screen.table(&table);
}

fn show_changed(screen: &Screen, key: &dto::Key, now: &str) {
    match screen.form {
        OutputForm::Json => screen.json(key),
        OutputForm::Text => screen.done(&format!("key {} {now}", key.access_key_id)),
    }
}
