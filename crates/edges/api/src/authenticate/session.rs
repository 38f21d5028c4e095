//! Sessions of the web pages: a browser proves once that it knows a key's secret, and shows a token
//! from then on.
//!
//! A token is worth what its key is worth at that moment: when the key is disabled, deleted or given
//! another policy, so is every session of it. Sessions live in memory alone; a restart ends them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest;
use model::{KeyStatus, Region, UnixMillis};
use zeroize::Zeroizing;

use super::keys::Found;
use super::{Caller, KeyRing, disabled_key, hex};
use crate::error::{ApiError, ErrorKind};
use crate::random;

/// How long a session may be quiet, in milliseconds.
const QUIET_MAX_MS: u64 = 60 * 60 * 1000;
/// How long a session lasts at most, in milliseconds.
const AGE_MAX_MS: u64 = 12 * 60 * 60 * 1000;
/// Sessions at once; the quietest one makes room for another.
const SESSIONS_MAX: usize = 1024;

/// Who is signed in. Tokens are kept as their hashes: what is read here by accident opens nothing.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

#[derive(Debug)]
struct Session {
    key_id: String,
    began: UnixMillis,
    seen: UnixMillis,
}

impl Session {
    fn is_over(&self, now: UnixMillis) -> bool {
        now.since(self.began) > AGE_MAX_MS || now.since(self.seen) > QUIET_MAX_MS
    }
}

impl Sessions {
    /// Begins a session for who knows a key's secret, and returns its token: 64 hexadecimal digits.
    ///
    /// # Errors
    /// One and the same for an unknown key and a wrong secret; another for a key that is disabled.
    pub(crate) fn sign_in(
        &self,
        keys: &KeyRing,
        (key_id, secret): (&str, &str),
        now: UnixMillis,
    ) -> Result<Zeroizing<String>, ApiError> {
        let found = keys.find(key_id);
        let (Found::Known(key) | Found::Decoy(key)) = &found;
        let is_proved = key.is_proved_by(secret);
        let key = match found {
            Found::Known(key) if is_proved => key,
            Found::Known(_) | Found::Decoy(_) => return Err(not_proved()),
        };
        if key.key.status == KeyStatus::Disabled {
            return Err(disabled_key(key_id));
        }
        let token = Zeroizing::new(hex(&random::bytes::<32>()));
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| !session.is_over(now));
        if sessions.len() >= SESSIONS_MAX {
            let quietest = sessions.iter().min_by_key(|(_, it)| it.seen).map(|(token, _)| *token);
            quietest.and_then(|it| sessions.remove(&it));
        }
        let session = Session { key_id: key_id.to_owned(), began: now, seen: now };
        sessions.insert(hash(&token), session);
        Ok(token)
    }

    /// Who shows this token, if it is one of ours and its key may still be used.
    pub(crate) fn caller(&self, keys: &KeyRing, token: &str, now: UnixMillis) -> Option<Caller> {
        let token = hash(token);
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get_mut(&token).filter(|it| !it.is_over(now))?;
        session.seen = now;
        match keys.find(&session.key_id) {
            Found::Known(key) if key.key.status != KeyStatus::Disabled => {
                Some(Caller { key, region: Region::default() })
            }
            Found::Known(_) | Found::Decoy(_) => {
                sessions.remove(&token);
                None
            }
        }
    }

    /// Ends the session of this token, if there is one.
    pub(crate) fn sign_out(&self, token: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash(token));
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}

fn not_proved() -> ApiError {
    ApiError::new(
        ErrorKind::UnknownKey,
        "no access key has this id and this secret; the first one is in the file 'credentials' of the data \
         directory, and `trunkline key create` makes others",
    )
}

#[cfg(test)]
mod tests {
    use model::{AccessKey, AccessKeyId, AccountId, KeyPolicy, Secret};

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000_000_000);
    const KEY: (&str, &str) =
        ("TRUNKLINETESTKEY0001", "a secret of forty characters, more or less");

    fn ring(status: KeyStatus) -> KeyRing {
        KeyRing::of([AccessKey {
            id: AccessKeyId::parse(KEY.0).unwrap(),
            account: AccountId::DEFAULT,
            name: String::new(),
            secret: Secret::new(KEY.1.to_owned()),
            status,
            policy: KeyPolicy::Full,
            created: NOW,
        }])
    }

    #[test]
    fn a_token_stands_for_the_key_whose_secret_was_known() {
        let (keys, sessions) = (ring(KeyStatus::Enabled), Sessions::default());
        let token = sessions.sign_in(&keys, KEY, NOW).unwrap();
        assert_eq!(sessions.caller(&keys, &token, NOW).unwrap().key_id(), KEY.0);
        assert!(sessions.caller(&keys, &"0".repeat(64), NOW).is_none());
        assert!(!format!("{sessions:?}").contains(token.as_str()));
    }

    #[test]
    fn a_wrong_secret_and_an_unknown_key_are_told_alike() {
        let (keys, sessions) = (ring(KeyStatus::Enabled), Sessions::default());
        let wrong = sessions.sign_in(&keys, (KEY.0, "another"), NOW).unwrap_err();
        let unknown = sessions.sign_in(&keys, ("NOBODY", KEY.1), NOW).unwrap_err();
        assert_eq!((wrong.kind, &wrong.message), (unknown.kind, &unknown.message));
        let empty = sessions.sign_in(&keys, (KEY.0, ""), NOW).unwrap_err();
        assert_eq!(empty.message, unknown.message);
    }

    #[test]
    fn a_session_ends_with_its_key() {
        let sessions = Sessions::default();
        let token = sessions.sign_in(&ring(KeyStatus::Enabled), KEY, NOW).unwrap();
        let disabled = ring(KeyStatus::Disabled);
        assert!(sessions.caller(&disabled, &token, NOW).is_none());
        assert!(sessions.sign_in(&disabled, KEY, NOW).is_err());
        let again = ring(KeyStatus::Enabled);
        assert!(sessions.caller(&again, &token, NOW).is_none(), "it does not come back to life");
    }

    #[test]
    fn a_session_ends_when_it_is_quiet_old_or_told_to() {
        let (keys, sessions) = (ring(KeyStatus::Enabled), Sessions::default());
        let later = |ms| UnixMillis(NOW.0 + ms);
        let token = sessions.sign_in(&keys, KEY, NOW).unwrap();
        assert!(sessions.caller(&keys, &token, later(QUIET_MAX_MS + 1)).is_none());

        let token = sessions.sign_in(&keys, KEY, NOW).unwrap();
        let mut at = 0;
        while at <= AGE_MAX_MS {
            assert!(sessions.caller(&keys, &token, later(at)).is_some());
            at += QUIET_MAX_MS / 2;
        }
        assert!(sessions.caller(&keys, &token, later(at)).is_none());

        let token = sessions.sign_in(&keys, KEY, NOW).unwrap();
        sessions.sign_out(&token);
        assert!(sessions.caller(&keys, &token, NOW).is_none());
    }

    #[test]
    fn the_quietest_session_makes_room() {
        let (keys, sessions) = (ring(KeyStatus::Enabled), Sessions::default());
        let first = sessions.sign_in(&keys, KEY, NOW).unwrap();
        let second = sessions.sign_in(&keys, KEY, UnixMillis(NOW.0 + 1)).unwrap();
        for n in 0..SESSIONS_MAX as u64 - 1 {
            sessions.sign_in(&keys, KEY, UnixMillis(NOW.0 + 2 + n)).unwrap();
        }
        let now = UnixMillis(NOW.0 + 5000);
        assert!(sessions.caller(&keys, &first, now).is_none());
        assert!(sessions.caller(&keys, &second, now).is_some());
    }
}
