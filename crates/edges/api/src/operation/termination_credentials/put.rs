//! `PutVoiceConnectorTerminationCredentials`.

use std::collections::BTreeSet;

use chime_api::types::{self, NoContent, PutVoiceConnectorTerminationCredentialsRequest};
use model::{DigestKeys, Secret, SipUser, Termination, Username, VoiceConnector};
use store::{Page, Tx, TypedTx as _, TypedView as _};

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::termination::unset;
use crate::operation::voice_connector::{load, parse_id};

/// The longest password, in characters.
const PASSWORD_CHARS_MAX: usize = 256;

/// Sets the passwords of users by name, all of them or none; users that are not named stay.
///
/// Passwords become digest keys within the transaction and are wiped; the store never sees one. The
/// answer leaves after the call path has the new keys.
pub(crate) async fn put(
    context: &Context,
    permit: Permit,
    wire: PutVoiceConnectorTerminationCredentialsRequest,
) -> Result<NoContent, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let credentials = parse_all(wire.credentials.unwrap_or_default())?;
    let account = permit.account();
    context
        .write(move |tx| {
            let connector = load(&*tx, account, &id)?;
            tx.get::<Termination>(&account, id.as_str())?.ok_or_else(|| unset(&id))?;
            check_count(&*tx, &connector, &credentials)?;
            for credential in credentials {
                tx.put(&credential.into_user(&connector))?;
            }
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}

/// A user name and its password, both well formed.
struct Credential {
    username: Username,
    password: Secret,
}

impl Credential {
    fn parse(at: usize, wire: types::Credential) -> Result<Self, ApiError> {
        let member = |name: &str| format!("Credentials[{at}].{name}");
        let missing = |name: &str| {
            ApiError::bad_request(format!(
                "{} is missing; give each user a Username and a Password",
                member(name)
            ))
        };
        let username = wire.username.ok_or_else(|| missing("Username"))?;
        // The name is not repeated: somebody may have put the password into its place.
        let username = Username::parse(username.expose()).map_err(|refused| {
            ApiError::bad_request(format!("{} is refused: {}", member("Username"), refused.rule))
        })?;
        let password = wire.password.ok_or_else(|| missing("Password"))?;
        let printable = password.expose().bytes().all(|b| (b' '..=b'~').contains(&b));
        if !printable || !(1..=PASSWORD_CHARS_MAX).contains(&password.expose().len()) {
            return Err(ApiError::bad_request(format!(
                "{} is refused: a password is 1 to {PASSWORD_CHARS_MAX} printable US-ASCII characters",
                member("Password")
            )));
        }
        Ok(Self { username, password: Secret::new(password.into_exposed()) })
    }

    /// The user as it is stored: without its password, which is wiped here.
    fn into_user(self, connector: &VoiceConnector) -> SipUser {
        let keys = DigestKeys::derive(
            self.username.as_str(),
            &connector.outbound_host_name,
            self.password,
        );
        SipUser {
            account: connector.account,
            connector: connector.id.clone(),
            username: self.username,
            keys,
        }
    }
}

/// Reads the list: at least one user, no name twice.
fn parse_all(wire: Vec<types::Credential>) -> Result<Vec<Credential>, ApiError> {
    if wire.is_empty() || wire.len() > SipUser::COUNT_MAX {
        return Err(ApiError::bad_request(format!(
            "Credentials has {} users; give 1 to {} users, each with a Username and a Password",
            wire.len(),
            SipUser::COUNT_MAX
        )));
    }
    let mut seen = BTreeSet::new();
    wire.into_iter()
        .enumerate()
        .map(|(at, wire)| {
            let credential = Credential::parse(at, wire)?;
            if seen.insert(credential.username.clone()) {
                return Ok(credential);
            }
            Err(ApiError::bad_request(format!(
                "Credentials[{at}].Username: the user '{}' is in the list twice; name each user once",
                credential.username
            )))
        })
        .collect()
}

/// Refuses when old and new users together are too many.
fn check_count(
    tx: &dyn Tx,
    connector: &VoiceConnector,
    credentials: &[Credential],
) -> Result<(), ApiError> {
    let parent = connector.id.as_str();
    let old = tx.children::<SipUser>(&connector.account, parent, Page::WHOLE)?.items;
    let replaced =
        old.iter().filter(|user| credentials.iter().any(|it| it.username == user.username)).count();
    let total = old.len() - replaced + credentials.len();
    if total <= SipUser::COUNT_MAX {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "Credentials: VoiceConnector '{}' would have {total} users, and at most {} are allowed; delete some first \
         (DeleteVoiceConnectorTerminationCredentials)",
        connector.id,
        SipUser::COUNT_MAX
    )))
}
