//! Name servers, asked over the network.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::locate::{Answer, Fault, Found, NameService, Naptr, Srv};

/// How long one question may take at one server.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How long the absence of records is believed where the zone does not say.
const ABSENCE: Duration = Duration::from_secs(60);

/// The name servers that are asked.
pub(crate) struct Dns(TokioResolver);

impl Dns {
    /// Asks these servers, or the system's (`/etc/resolv.conf`) if there are none.
    ///
    /// # Errors
    /// If the system's configuration cannot be read.
    pub(crate) fn new(servers: &[SocketAddr]) -> Result<Self, NetError> {
        let mut builder = if servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let servers = servers.iter().map(server).collect();
            let config = ResolverConfig::from_name_servers(servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options: &mut ResolverOpts = builder.options_mut();
        options.timeout = TIMEOUT;
        options.attempts = 2;
        // When to ask again is decided here, by each answer's time to live.
        options.cache_size = 0;
        builder.build().map(Self)
    }

    async fn records<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Answer<T> {
        let name = Name::from_ascii(name).map_err(|error| Fault(error.to_string()))?;
        found(self.0.lookup(name, kind).await, read)
    }
}

impl NameService for Dns {
    async fn naptr(&self, name: &str) -> Answer<Naptr> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.records(name, RecordType::NAPTR, |data| {
            let RData::NAPTR(it) = data else { return None };
            Some(Naptr {
                order: it.order,
                preference: it.preference,
                flags: text(&it.flags),
                services: text(&it.services),
                replacement: it.replacement.to_ascii(),
            })
        })
        .await
    }

    async fn srv(&self, name: &str) -> Answer<Srv> {
        self.records(name, RecordType::SRV, |data| {
            let RData::SRV(it) = data else { return None };
            Some(Srv {
                priority: it.priority,
                weight: it.weight,
                port: it.port,
                target: it.target.to_ascii(),
            })
        })
        .await
    }

    async fn addresses(&self, name: &str) -> Answer<IpAddr> {
        let found_ips = self.0.lookup_ip(name).await;
        found(found_ips.map(|it| it.as_lookup().clone()), RData::ip_addr)
    }
}

/// The records of an answer. A name without such records, or without any, has none.
fn found<T>(answer: Result<Lookup, NetError>, read: impl Fn(&RData) -> Option<T>) -> Answer<T> {
    match answer {
        Ok(lookup) => Ok(Found {
            records: lookup.answers().iter().filter_map(|it| read(&it.data)).collect(),
            until: lookup.valid_until(),
        }),
        Err(error) if error.is_no_records_found() => {
            Ok(Found { records: Vec::new(), until: Instant::now() + ABSENCE })
        }
        Err(error) => Err(Fault(error.to_string())),
    }
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}
