//! The simulated carrier on its own thread.

use call::ResolvedCarrier;

/// The numbers that it offers.
pub(crate) const NUMBERS: &str = "+1 NXX 555 0100 to +1 NXX 555 0199";

/// Who is told what the simulated carrier sends and receives.
#[derive(Debug, Clone, Default)]
pub struct CarrierTap(());

impl CarrierTap {
    /// Nobody.
    pub fn none() -> Self {
        Self(())
    }
}

pub(crate) struct Simulated(ResolvedCarrier);

impl Simulated {
    pub(crate) fn carrier(&self) -> ResolvedCarrier {
        self.0.clone()
    }
    pub(crate) async fn stop(self) {}
}

pub(crate) fn spawn(_tap: CarrierTap) -> std::io::Result<Simulated> {
    Err(std::io::Error::other("not yet"))
}
