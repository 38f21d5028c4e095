//! `trunkline key`: access keys of accounts.

use api::operator::dto;
use model::{AccountId, KeyPolicy, KeyStatus};

use crate::cli::{Common, KeyCommand, OutputForm, Policy};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::screen::{Cell, Paint, Screen, Table};

pub(crate) async fn run(
    screen: &Screen,
    common: &Common,
    command: KeyCommand,
) -> Result<(), Failure> {
    match command {
        KeyCommand::Create { account, name, policy } => {
            let account = account.as_deref().map(AccountId::parse).transpose()?;
            let request = dto::CreateKey {
                account,
                policy: match policy {
                    Policy::Full => KeyPolicy::Full,
                    Policy::ReadOnly => KeyPolicy::ReadOnly,
                },
                name: name.unwrap_or_default(),
            };
            let created = Connection::open(common)?.create_key(&request).await?;
            show_created(screen, &created);
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

fn show_created(screen: &Screen, created: &dto::CreatedKey) {
    let dto::CreatedKey { key, secret_access_key } = created;
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
    let mut table = Table::new(["ACCESS KEY ID", "ACCOUNT", "NAME", "MAY DO", "STATUS", "CREATED"]);
    for key in &list.keys {
        let status = match key.status {
            KeyStatus::Enabled => Cell::painted(Paint::Good, "enabled"),
            KeyStatus::Disabled => Cell::painted(Paint::Bad, "disabled"),
        };
        let may_do = match key.policy {
            KeyPolicy::Full => "everything",
            KeyPolicy::ReadOnly => "read",
        };
        table.row([
            Cell::painted(Paint::Name, &key.access_key_id),
            key.account.to_string().into(),
            key.name.clone().into(),
            may_do.into(),
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
