//! Carriers that call in from addresses that nobody told us: known by what they can prove.
//!
//! An INVITE that names no connector and comes from no carrier's address is challenged as soon as
//! some carrier has a user for calls in. Until it has answered, whoever sent it is a stranger.

use std::sync::Arc;

use arrayvec::ArrayVec;
use sip_core::digest::{Guard, Refusal, Stale, Verdict};
use sip_message::{Message, Name};

use crate::admission::{Facts, Known, offered_user};
use crate::directory::{Directory, REALMS_MAX};
use crate::io::Now;
use crate::reject::Reject;

/// The realms to challenge for.
pub(crate) type Realms<'d> = ArrayVec<&'d str, REALMS_MAX>;

/// Finds the carrier whose user an INVITE's credentials prove; then it is the call's origin.
///
/// An unknown user costs as much, and is answered as, a wrong password: every carrier is looked at
/// for either, and [`Guard`] does the same sums.
pub(crate) fn authenticate(
    facts: &mut Facts,
    request: &Message<'_>,
    guard: &mut Guard,
    directory: &Directory,
    now: Now,
) -> Result<Known, Reject> {
    for realm in directory.carrier_realms() {
        let keys = |name: &str| directory.carrier_user(realm, name).map(|(_, user)| &user.keys);
        match guard.check(now.unix, request, Name::ProxyAuthorization, realm, keys) {
            Verdict::Pass(proven) => {
                let name = proven.username();
                let (carrier, _) = directory
                    .carrier_user(realm, name.as_str())
                    .expect("its keys were just taken from there");
                facts.username = Some(name.clone());
                if !carrier.may_use(facts.transport) {
                    return Err(Reject::EncryptionRequired);
                }
                facts.origin = Some(Arc::clone(carrier));
                return Ok(Known::Yes);
            }
            // There are no credentials for this realm: there may be some for another.
            Verdict::Challenge(Stale::No) => {}
            Verdict::Challenge(Stale::Yes) => return Ok(Known::NotYet(Stale::Yes)),
            Verdict::Refuse(Refusal::ForgedNonce) => return Ok(Known::NotYet(Stale::No)),
            Verdict::Refuse(why) => {
                return Err(Reject::Credentials { username: offered_user(request), why });
            }
        }
    }
    Ok(Known::NotYet(Stale::No))
}
