//! Access keys.

use chime_api::Operation;
use http::StatusCode;
use model::{AccessKey, AccessKeyId, AccountId, KeyPolicy, KeyStatus, Secret};
use store::{Page, Tx, TypedTx as _, TypedView as _};

use super::dto::{CreateKey, CreatedKey, Key, KeyList, SetKeyPolicy, timestamp};
use super::query::Query;
use crate::answer::Answer;
use crate::authorize::OperatorPermit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::random;

/// Makes a key. Its secret is told in this answer and never again.
pub(super) async fn create(
    context: &Context,
    permit: OperatorPermit,
    wire: CreateKey,
) -> Result<Answer, ApiError> {
    let name = wire.name;
    if name.chars().count() > AccessKey::NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(ApiError::bad_request(format!(
            "name is refused: a key's name is at most {} characters, none of them a control character",
            AccessKey::NAME_CHARS_MAX
        )));
    }
    let key = generate(wire.account.unwrap_or(permit.account()), wire.policy, name, context);
    let answer = CreatedKey { key: Key::from(&key), secret_access_key: key.secret.clone() };
    context.write(move |tx| Ok(tx.put(&key)?)).await?;
    Ok(Answer::json(StatusCode::CREATED, &answer))
}

/// A fresh key, of the form that AWS's are.
fn generate(account: AccountId, policy: KeyPolicy, name: String, context: &Context) -> AccessKey {
    let id = format!("AKIA{}", random::text::<16>(random::BASE32));
    AccessKey {
        id: AccessKeyId::parse(&id).expect("20 capital letters and digits are a key id"),
        account,
        name,
        secret: Secret::new(random::text::<40>(random::BASE64)),
        status: KeyStatus::Enabled,
        policy,
        created: context.clock.now(),
    }
}

/// Tells every key, or one account's, without secrets.
pub(super) async fn list(
    context: &Context,
    _permit: OperatorPermit,
    mut query: Query,
) -> Result<Answer, ApiError> {
    let account: Option<AccountId> = query.take_as("account")?;
    query.finish()?;
    let keys = context
        .read(move |view| match account {
            None => view.list::<AccessKey>(&AccountId::DEFAULT, Page::WHOLE),
            Some(account) => {
                view.children::<AccessKey>(&AccountId::DEFAULT, account.as_str(), Page::WHOLE)
            }
        })
        .await?;
    let keys = keys.items.iter().map(Key::from).collect();
    Ok(Answer::json(StatusCode::OK, &KeyList { keys }))
}

/// Lets a key sign again.
pub(super) async fn enable(
    context: &Context,
    _permit: OperatorPermit,
    id: &str,
) -> Result<Answer, ApiError> {
    set_status(context, id, KeyStatus::Enabled).await
}

/// Refuses what a key signs, from this answer on.
pub(super) async fn disable(
    context: &Context,
    _permit: OperatorPermit,
    id: &str,
) -> Result<Answer, ApiError> {
    set_status(context, id, KeyStatus::Disabled).await
}

/// Gives a key another policy, effective from this answer on.
pub(super) async fn set_policy(
    context: &Context,
    _permit: OperatorPermit,
    id: &str,
    wire: SetKeyPolicy,
) -> Result<Answer, ApiError> {
    let id = parse_id(id)?;
    let key = context
        .write(move |tx| {
            let mut key = load(&*tx, &id)?;
            if wire.policy != KeyPolicy::Full {
                refuse_last(&*tx, &key)?;
            }
            key.policy = wire.policy;
            tx.put(&key)?;
            Ok(key)
        })
        .await?;
    Ok(Answer::json(StatusCode::OK, &Key::from(&key)))
}

async fn set_status(context: &Context, id: &str, status: KeyStatus) -> Result<Answer, ApiError> {
    let id = parse_id(id)?;
    let key = context
        .write(move |tx| {
            let mut key = load(&*tx, &id)?;
            if status == KeyStatus::Disabled {
                refuse_last(&*tx, &key)?;
            }
            key.status = status;
            tx.put(&key)?;
            Ok(key)
        })
        .await?;
    Ok(Answer::json(StatusCode::OK, &Key::from(&key)))
}

/// Deletes a key.
pub(super) async fn delete(
    context: &Context,
    _permit: OperatorPermit,
    id: &str,
) -> Result<Answer, ApiError> {
    let id = parse_id(id)?;
    context
        .write(move |tx| {
            let key = load(&*tx, &id)?;
            refuse_last(&*tx, &key)?;
            tx.delete::<AccessKey>(&AccountId::DEFAULT, id.as_str())?;
            Ok(())
        })
        .await?;
    Ok(Answer::NO_CONTENT)
}

/// Refuses to take away the last key that can use the operator API: nobody could undo it.
fn refuse_last(tx: &dyn Tx, key: &AccessKey) -> Result<(), ApiError> {
    let operates = |it: &AccessKey| {
        it.account == AccountId::DEFAULT
            && it.policy == KeyPolicy::Full
            && it.status == KeyStatus::Enabled
    };
    if !operates(key) {
        return Ok(());
    }
    let parent = AccountId::DEFAULT;
    let all = tx.children::<AccessKey>(&AccountId::DEFAULT, parent.as_str(), Page::WHOLE)?;
    if all.items.iter().any(|it| it.id != key.id && operates(it)) {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorKind::Conflict,
        format!(
            "'{}' is the last enabled key with the policy full of the operator's account {parent}; create \
             another one first (`trunkline key create`)",
            key.id
        ),
    ))
}

fn parse_id(text: &str) -> Result<AccessKeyId, ApiError> {
    AccessKeyId::parse(text).map_err(|refused| ApiError::bad_value("access key id", &refused))
}

fn load(tx: &dyn Tx, id: &AccessKeyId) -> Result<AccessKey, ApiError> {
    tx.get(&AccountId::DEFAULT, id.as_str())?
        .ok_or_else(|| ApiError::no_such("access key", id.as_str()))
}

/// The actions of a policy that name nothing here. Those of other services are no mistake, since one
/// policy may speak of several.
fn unknown_actions(policy: &KeyPolicy) -> Vec<String> {
    let KeyPolicy::Custom(policy) = policy else { return Vec::new() };
    let known: Vec<String> = Operation::all().map(|it| format!("chime:{it}")).collect();
    let unknown = policy.actions_unknown_to(&known).into_iter();
    unknown
        .filter(|it| it.get(..6).is_some_and(|it| it.eq_ignore_ascii_case("chime:")))
        .map(str::to_owned)
        .collect()
}

impl From<&AccessKey> for Key {
    fn from(key: &AccessKey) -> Self {
        Self {
            access_key_id: key.id.to_string(),
            account: key.account,
            name: key.name.clone(),
            policy: key.policy.clone(),
            unknown_actions: unknown_actions(&key.policy),
            status: key.status,
            created: timestamp(key.created),
        }
    }
}
