//! `trunkline quota`: how much of each thing an account may have.

use api::operator::dto::{AccountQuota, QuotaList, SetQuota};
use model::AccountId;

use crate::cli::{Common, OutputForm, QuotaCommand};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::screen::{Cell, Paint, Screen, Table};

pub(crate) async fn run(
    screen: &Screen,
    common: &Common,
    command: QuotaCommand,
) -> Result<(), Failure> {
    match command {
        QuotaCommand::List { account } => {
            let account = account.as_deref().map(AccountId::parse).transpose()?;
            let list = Connection::open(common)?.quotas(account).await?;
            show_list(screen, &list);
        }
        QuotaCommand::Set { quota, value, account } => {
            let request = SetQuota { account: AccountId::parse(&account)?, value };
            let set = Connection::open(common)?.set_quota(&quota, &request).await?;
            show_changed(screen, &set);
        }
        QuotaCommand::Reset { quota, account } => {
            let account = AccountId::parse(&account)?;
            let reset = Connection::open(common)?.reset_quota(&quota, account).await?;
            show_changed(screen, &reset);
        }
    }
    Ok(())
}

fn show_list(screen: &Screen, list: &QuotaList) {
    if screen.form == OutputForm::Json {
        return screen.json(list);
    }
    let mut table = Table::new(["QUOTA", "ACCOUNT", "VALUE", "INSTALLATION", "NAME"]);
    for it in &list.quotas {
        let account = match it.account {
            Some(account) => account.to_string().into(),
            None => Cell::painted(Paint::Faint, "(every)"),
        };
        let value = if it.value == it.installation {
            it.value.to_string().into()
        } else {
            Cell::painted(Paint::Strong, it.value.to_string())
        };
        table.row([
            Cell::painted(Paint::Name, &it.quota),
            account,
            value,
            it.installation.to_string().into(),
            it.name.clone().into(),
        ]);
    }
    screen.table(&table);
}

fn show_changed(screen: &Screen, quota: &AccountQuota) {
    if screen.form == OutputForm::Json {
        return screen.json(quota);
    }
    let account = quota.account.map(|it| it.to_string()).unwrap_or_default();
    screen.done(&format!("{} of the account {account} is {}", quota.quota, quota.value));
}
