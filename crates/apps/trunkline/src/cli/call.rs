//! `trunkline call …`

use std::path::PathBuf;

use clap::Args;

use super::Transport;

#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// The number that the call presents.
    #[arg(long, value_name = "E164")]
    pub(crate) from: String,
    /// The number to call.
    #[arg(long, value_name = "E164")]
    pub(crate) to: String,
    /// Call in, as a carrier would: the called number's connector is found by its origination.
    #[arg(long = "in")]
    pub(crate) inward: bool,
    /// The SIP user name to answer a challenge with.
    #[arg(long, requires = "password_file")]
    pub(crate) username: Option<String>,
    /// A file with the SIP password; `-` is standard input.
    #[arg(long, value_name = "FILE", requires = "username")]
    pub(crate) password_file: Option<PathBuf>,
    /// The Voice Connector to call through; needed if the account has more than one.
    #[arg(long, value_name = "ID", conflicts_with = "inward")]
    pub(crate) connector: Option<String>,
    /// The SIP address of the service; otherwise it is asked for.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) sip: Option<std::net::SocketAddr>,
    /// The transport to use.
    #[arg(long, value_enum, default_value = "udp")]
    pub(crate) transport: Transport,
    /// Encrypt the audio (SRTP, keys by SDES) and take no other.
    #[arg(long)]
    pub(crate) srtp: bool,
    /// How long to talk once answered, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) seconds: u64,
}
