//! Voice Connector groups.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod update;

use std::collections::BTreeSet;

use chime_api::{Operation, types};
use model::{
    AccountId, GroupItem, Quota, VoiceConnector, VoiceConnectorGroup, VoiceConnectorGroupId,
    VoiceConnectorId,
};
use store::{Page, StoreError, Tx, TypedView as _, View};

use super::name::theirs;
use super::voice_connector;
use crate::error::ApiError;
use crate::operator::dto::timestamp;
use crate::quota;

/// For a connector whose priority a request leaves out: first.
const PRIORITY_DEFAULT: u8 = 1;
/// Groups read from the store at once.
const CHUNK: usize = 100;

/// Reads the id that a request names. One that this service cannot have made names no group.
pub(super) fn parse_id(text: &str) -> Result<VoiceConnectorGroupId, ApiError> {
    VoiceConnectorGroupId::parse(text).map_err(|_| {
        let shown: String = text.chars().take(80).collect();
        ApiError::no_such("VoiceConnectorGroup", &shown)
    })
}

/// The error for a group that the account does not have.
fn no_such(id: &VoiceConnectorGroupId) -> ApiError {
    ApiError::no_such("VoiceConnectorGroup", id.as_str())
}

/// Loads a group within a transaction.
pub(super) fn load(
    tx: &dyn Tx,
    account: AccountId,
    id: &VoiceConnectorGroupId,
) -> Result<VoiceConnectorGroup, ApiError> {
    tx.get(&account, id.as_str())?.ok_or_else(|| no_such(id))
}

/// The first few groups that a connector is in.
pub(super) fn groups_of(
    view: &dyn View,
    connector: &VoiceConnector,
    limit: usize,
) -> Result<Vec<VoiceConnectorGroupId>, StoreError> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = Page::after(&after, CHUNK);
        let groups = view.list::<VoiceConnectorGroup>(&connector.account, page)?;
        let having = groups.items.into_iter().filter(|it| it.has(&connector.id)).map(|it| it.id);
        found.extend(having.take(limit - found.len()));
        match groups.next {
            Some(next) if found.len() < limit => after = next,
            _ => return Ok(found),
        }
    }
}

/// Reads the connectors of a group: none twice, no more than the quota.
fn parse_items(
    wire: Vec<types::VoiceConnectorItem>,
    quota: usize,
    (account, operation): (AccountId, Operation),
) -> Result<Vec<GroupItem>, ApiError> {
    if wire.len() > quota {
        let wanted = wire.len() as u64;
        let used = format!("VoiceConnectorItems has {wanted} connectors; leave some out");
        let name = Quota::VoiceConnectorsPerGroup;
        let refusal = quota::exceeded(name, account, quota as u64, &used, wanted);
        return Err(quota::declared_by(operation, refusal));
    }
    let mut seen = BTreeSet::new();
    wire.into_iter().enumerate().map(|(at, item)| parse_item(at, &item, &mut seen)).collect()
}

fn parse_item(
    at: usize,
    wire: &types::VoiceConnectorItem,
    seen: &mut BTreeSet<VoiceConnectorId>,
) -> Result<GroupItem, ApiError> {
    let member = format!("VoiceConnectorItems[{at}].VoiceConnectorId");
    let connector = VoiceConnectorId::parse(&wire.voice_connector_id)
        .map_err(|refused| ApiError::bad_value(&member, &refused))?;
    if !seen.insert(connector.clone()) {
        return Err(ApiError::bad_request(format!(
            "{member}: VoiceConnector '{connector}' is in the list twice; name each once"
        )));
    }
    let priority = wire.priority.map_or(Ok(PRIORITY_DEFAULT), u8::try_from).map_err(|_| {
        ApiError::bad_request(format!("VoiceConnectorItems[{at}].Priority is not 1 to 99"))
    })?;
    Ok(GroupItem { connector, priority })
}

/// Refuses connectors that the account does not have.
fn check_items(tx: &dyn Tx, account: AccountId, items: &[GroupItem]) -> Result<(), ApiError> {
    for item in items {
        voice_connector::load(tx, account, &item.connector)?;
    }
    Ok(())
}

/// Makes room for one more group, or refuses.
fn admit(tx: &dyn Tx, account: AccountId, quota: u64) -> Result<(), ApiError> {
    let count = tx.count::<VoiceConnectorGroup>(&account, quota)?;
    quota::admit(Quota::VoiceConnectorGroups, account, count, quota)
}

/// A group as the API tells it.
fn to_wire(group: &VoiceConnectorGroup) -> types::VoiceConnectorGroup {
    let item = |it: &GroupItem| types::VoiceConnectorItem {
        voice_connector_id: it.connector.to_string(),
        priority: Some(i32::from(it.priority)),
    };
    types::VoiceConnectorGroup {
        voice_connector_group_id: Some(group.id.to_string()),
        voice_connector_group_arn: Some(group.arn().to_string()),
        name: Some(group.name.clone()),
        voice_connector_items: Some(group.items.iter().map(item).collect()),
        call_distribution_type: Some(theirs(
            group.distribution,
            types::CallDistributionType::parse,
        )),
        created_timestamp: Some(timestamp(group.created)),
        updated_timestamp: Some(timestamp(group.updated)),
    }
}
