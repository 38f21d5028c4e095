//! `trunkline quota …`

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum QuotaCommand {
    /// List the quotas of an account; without one, the installation's and what was set beside them.
    #[command(
        after_help = "Examples:\n  trunkline quota list\n  trunkline quota list --account 111122223333"
    )]
    List {
        /// The account.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
    /// Set a quota of one account, effective at once. What it has already stays.
    #[command(
        after_help = "Example:\n  trunkline quota set voice-connectors 10 --account 111122223333"
    )]
    Set {
        /// The quota's name, as `trunkline quota list` shows it.
        quota: String,
        /// Its value.
        value: u64,
        /// The account.
        #[arg(long, value_name = "ID")]
        account: String,
    },
    /// Give an account the installation's value again.
    #[command(
        after_help = "Example:\n  trunkline quota reset voice-connectors --account 111122223333"
    )]
    Reset {
        /// The quota's name.
        quota: String,
        /// The account.
        #[arg(long, value_name = "ID")]
        account: String,
    },
}
