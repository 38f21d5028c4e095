//! `trunkline audit …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `trunkline audit …`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    pub(crate) command: Option<AuditCommand>,
    #[command(flatten)]
    pub(crate) filter: AuditFilterArgs,
    /// The most records to show, newest first.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Write records as JSON lines, newest first, all of them or those that the filters want.
    #[command(after_help = "Examples:\n  trunkline audit export > audit.jsonl\n  \
        trunkline audit export --since 2026-11-01T00:00:00Z --file november.jsonl")]
    Export {
        #[command(flatten)]
        filter: AuditFilterArgs,
        /// The file to write, which must not exist; standard output without it.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// Which audit records are wanted.
#[derive(Debug, Clone, Args)]
pub(crate) struct AuditFilterArgs {
    /// Only requests of this account's keys.
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    /// Only requests of this access key.
    #[arg(long, value_name = "ACCESS_KEY_ID")]
    pub(crate) key: Option<String>,
    /// Only requests to this operation, such as CreateVoiceConnector or trunkline:CreateKeys.
    #[arg(long, value_name = "NAME")]
    pub(crate) operation: Option<String>,
    /// Only requests that were done, refused (4xx), or failed (5xx).
    #[arg(long, value_name = "done|refused|failed", value_parser = ["done", "refused", "failed"])]
    pub(crate) outcome: Option<String>,
    /// Only requests that came at this time or later, such as 2026-11-23T10:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only requests that came before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}
