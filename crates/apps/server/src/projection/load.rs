//! A whole directory of what is stored: for start-up, where the large kinds are read by two threads.

use call::directory::{Change, Directory, Share};
use model::{
    AccountQuotas, EmergencyCalling, Origination, PhoneNumberSettings, Proxy, ProxySession,
    Resource, SipRule, SipUser, Termination, VoiceConnectorGroup, VoiceConnectorId,
};
use store::{Range, RowRef, Snapshot, StoreError, TypedView as _, Visit};

/// Everything but carriers, whose addresses are not stored.
pub(super) struct Loaded {
    /// Connectors, numbers, and what belongs to them.
    pub(super) directory: Directory,
    /// The connectors that have routes for calls in, whose hosts may want to be looked up.
    pub(super) routed: Vec<VoiceConnectorId>,
}

/// Reads what calls are decided by.
pub(super) fn load(stored: &Snapshot<'_>) -> Result<Loaded, StoreError> {
    let mut directory = Directory::new();
    let mut routed = Vec::new();
    // What belongs to connectors comes first, so that each connector is made once, with all it has.
    stored.all::<Termination>(|it| directory.apply(Change::PutTermination(it)))?;
    stored.all::<Origination>(|it| {
        routed.push(it.connector.clone());
        directory.apply(Change::PutOrigination(it));
    })?;
    stored.all::<SipUser>(|it| directory.apply(Change::PutUser(it)))?;
    stored.all::<EmergencyCalling>(|it| directory.apply(Change::PutEmergencyCalling(it)))?;
    stored.all::<Proxy>(|it| directory.apply(Change::PutProxy(it)))?;

    stored.all::<AccountQuotas>(|it| directory.apply(Change::PutQuotas(it)))?;
    stored.all::<PhoneNumberSettings>(|it| directory.apply(Change::PutNumberSettings(it)))?;
    stored.all::<VoiceConnectorGroup>(|it| directory.apply(Change::PutGroup(it)))?;
    stored.all::<ProxySession>(|it| directory.apply(Change::PutProxySession(it)))?;
    stored.all::<SipRule>(|it| directory.apply(Change::PutRule(it)))?;

    let mut shares = [Share::default(), Share::default()];
    let known = &directory;
    shared_out(stored, Range::All, &mut shares, |share, it| share.connector(known, it))?;
    shared_out(stored, Range::Owned, &mut shares, |share, it| share.number(it))?;
    shared_out(stored, Range::All, &mut shares, |share, it| share.association(it))?;
    directory.fill(shares.into());
    Ok(Loaded { directory, routed })
}

/// Adds each resource of a type to one of two shares, each filled by a thread of its own.
fn shared_out<T: Resource>(
    stored: &Snapshot<'_>,
    range: Range<'_>,
    [first, last]: &mut [Share; 2],
    add: impl Fn(&mut Share, T) + Sync,
) -> Result<(), StoreError> {
    let add = &add;
    let mut visit_first = |row: RowRef<'_>| row.decode().map(|it| add(first, it));
    let mut visit_last = |row: RowRef<'_>| row.decode().map(|it| add(last, it));
    let visits: [Visit<'_>; 2] = [&mut visit_first, &mut visit_last];
    stored.from_both_ends(T::KIND, range, visits)
}
