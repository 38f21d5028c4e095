//! The simulated carrier: a peer on the loopback that answers by the number called.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use agent::{Answering, Srtp, Trace};
use call::ResolvedCarrier;
use model::{Carrier, CarrierName, UnixMillis};
use sip_message::Transport;

use crate::peer::{Peer, PeerConfig, PeerEvent};

/// The numbers that it offers, in words.
pub const NUMBERS: &str = "+1 NXX 555 0100 to +1 NXX 555 0199";

/// Its name among the carriers.
const NAME: &str = "simulated";

/// Who is told of the simulated carrier's calls and messages.
#[derive(Clone, Default)]
pub struct CarrierTap(Option<Arc<dyn Fn(PeerEvent) + Send + Sync>>);

impl CarrierTap {
    /// Nobody.
    pub fn none() -> Self {
        Self(None)
    }

    /// `hear`, which is called on the carrier's thread and must not wait.
    pub fn to(hear: impl Fn(PeerEvent) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hear)))
    }
}

impl fmt::Debug for CarrierTap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "CarrierTap(on)" } else { "CarrierTap(off)" })
    }
}

/// The simulated carrier, running.
pub(crate) struct Simulated(Peer);

impl Simulated {
    /// Sets it going on any free port of the loopback.
    pub(crate) fn start(tap: CarrierTap) -> io::Result<Self> {
        let config = PeerConfig {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            transport: Transport::Udp,
            srtp: Srtp::Accept,
            answering: Answering::SimulatedCarrier,
            trace: if tap.0.is_some() { Trace::Messages } else { Trace::Off },
            tls: None,
        };
        let sink = move |event| {
            if let Some(hear) = &tap.0 {
                hear(event);
            }
        };
        Peer::start(&config, sink).map(Self)
    }

    /// It as a carrier of the directory: the last to be asked. It lists no sources, because calls
    /// from the loopback are customers'.
    pub(crate) fn carrier(&self) -> ResolvedCarrier {
        let address = self.0.local();
        let name = CarrierName::parse(NAME).expect("lower-case letters are a name");
        let host = address.ip().to_string();
        let carrier =
            Carrier { priority: 100, ..Carrier::new(name, host, address.port(), UnixMillis(0)) };
        ResolvedCarrier::new(carrier, [address])
    }
}
