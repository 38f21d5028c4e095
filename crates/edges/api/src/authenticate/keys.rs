//! The access keys in memory: loaded once, then kept true by the store's change feed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aws_lc_rs::{constant_time, hmac};
use model::{AccessKey, AccessKeyId, AccountId, KeyPolicy, KeyStatus, Kind, Secret, UnixMillis};
use store::{Committed, Observer, Store, StoreError, TypedView as _};
use zeroize::Zeroizing;

use crate::random;
use crate::throttle::Bucket;

/// Signing keys remembered per access key: one for each day, region and service in use.
const SIGNING_KEYS_MAX: usize = 8;

/// Every access key of the installation.
///
/// A change is visible here before the write that made it is answered, so a key that was disabled
/// signs nothing more.
pub(crate) struct KeyRing {
    keys: RwLock<HashMap<AccessKeyId, Arc<RingKey>>>,
    decoy: Arc<RingKey>,
}

/// An access key with what is remembered about it.
pub(crate) struct RingKey {
    /// The key itself.
    pub(crate) key: AccessKey,
    /// How much it may still ask.
    pub(crate) bucket: Bucket,
    signing: Mutex<Vec<SigningKey>>,
}

struct SigningKey {
    scope: [Box<str>; 3],
    key: hmac::Key,
}

impl KeyRing {
    /// Loads the keys of `store` and follows their changes from then on.
    pub(crate) async fn load(store: &Store) -> Result<Arc<Self>, StoreError> {
        store
            .project(|view| {
                let mut keys = HashMap::new();
                view.all(|key: AccessKey| {
                    keys.insert(key.id.clone(), Arc::new(RingKey::new(key)));
                })?;
                Ok(Arc::new(Self { keys: RwLock::new(keys), decoy: Arc::new(RingKey::decoy()) }))
            })
            .await
    }

    /// A ring of keys that never change.
    #[cfg(test)]
    pub(super) fn of(keys: impl IntoIterator<Item = AccessKey>) -> Self {
        let keys = keys.into_iter().map(|key| (key.id.clone(), Arc::new(RingKey::new(key))));
        Self { keys: RwLock::new(keys.collect()), decoy: Arc::new(RingKey::decoy()) }
    }

    /// Whether a key has this id.
    pub(crate) fn knows(&self, id: &str) -> bool {
        AccessKeyId::parse(id).is_ok_and(|id| {
            self.keys.read().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
        })
    }

    /// The key of this id, or a decoy that costs the same to check and never matches.
    pub(crate) fn find(&self, id: &str) -> Found {
        let known = AccessKeyId::parse(id).ok().and_then(|id| {
            self.keys.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
        });
        known.map_or_else(|| Found::Decoy(Arc::clone(&self.decoy)), Found::Known)
    }
}

/// What a key id leads to.
pub(crate) enum Found {
    /// A key of this installation.
    Known(Arc<RingKey>),
    /// No key has this id.
    Decoy(Arc<RingKey>),
}

impl Observer for KeyRing {
    fn committed(&self, committed: &Committed) {
        for change in committed.changes.iter().filter(|it| it.kind == Kind::AccessKey) {
            let Ok(id) = AccessKeyId::parse(&change.key) else { continue };
            let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
            match change.decode::<AccessKey>() {
                Some(key) => keys.insert(id, Arc::new(RingKey::new(key))),
                None => keys.remove(&id),
            };
        }
    }
}

impl RingKey {
    fn new(key: AccessKey) -> Self {
        Self { key, bucket: Bucket::full(), signing: Mutex::new(Vec::new()) }
    }

    /// A key that nobody has, with a secret that nobody knows.
    fn decoy() -> Self {
        Self::new(AccessKey {
            id: AccessKeyId::parse("DECOY").expect("five letters are a key id"),
            account: AccountId::DEFAULT,
            name: String::new(),
            secret: Secret::new(random::text::<40>(random::BASE64)),
            status: KeyStatus::Disabled,
            policy: KeyPolicy::ReadOnly,
            created: UnixMillis(0),
        })
    }

    /// Whether this is the key's secret; the comparison tells nothing by the time it takes.
    pub(super) fn is_proved_by(&self, secret: &str) -> bool {
        let own = self.key.secret.expose().as_bytes();
        constant_time::verify_slices_are_equal(own, secret.as_bytes()).is_ok()
    }

    /// The key that signs for one day, region and service; derived once, then remembered.
    pub(crate) fn signing_key(&self, date: &str, region: &str, service: &str) -> hmac::Key {
        let scope = [date, region, service];
        let mut remembered = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = remembered.iter().find(|it| it.scope.each_ref().map(|part| &**part) == scope);
        if let Some(known) = known {
            return known.key.clone();
        }
        let key = derive(self.key.secret.expose(), scope);
        if remembered.len() == SIGNING_KEYS_MAX {
            remembered.remove(0);
        }
        remembered.push(SigningKey { scope: scope.map(Box::from), key: key.clone() });
        key
    }
}

/// HMAC chain over date, region, service and the closing word.
fn derive(secret: &str, scope: [&str; 3]) -> hmac::Key {
    let start = Zeroizing::new(format!("AWS4{secret}"));
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, start.as_bytes());
    for part in scope.into_iter().chain(["aws4_request"]) {
        let tag = hmac::sign(&key, part.as_bytes());
        key = hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref());
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signing_key_of_the_aws_documentation_comes_out() {
        let key =
            derive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ["20150830", "us-east-1", "iam"]);
        let to_sign = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
                       f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
        let signature: String = hmac::sign(&key, to_sign.as_bytes())
            .as_ref()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }
}
