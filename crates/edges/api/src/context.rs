//! What every request needs: the store, the time, the settings, the keys, the calls in progress.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use store::{Store, StoreError, Tx, View, WriteError};

use crate::audit::{AuditLog, Draft};
use crate::authenticate::{KeyRing, Sessions};
use crate::body::Budget;
use crate::clock::Clock;
use crate::config::ApiConfig;
use crate::error::ApiError;
use crate::live::LiveCalls;
use crate::operation::phone_number_order::fulfil::Fulfilment;
use crate::operator::backup::BackupDesk;
use crate::pages::Pages;
use crate::quota::{Paces, QuotaBook, VoiceConnectorCount};
use crate::tally::{Served, Tally};

/// What a request is served with: the control plane's surroundings, and the request's own draft for
/// the audit.
pub struct Context {
    shared: Arc<Surroundings>,
    draft: Option<Draft>,
}

impl Deref for Context {
    type Target = Surroundings;

    fn deref(&self) -> &Surroundings {
        &self.shared
    }
}

/// The control plane's surroundings, one per process.
pub struct Surroundings {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: ApiConfig,
    pub(crate) live: Arc<dyn LiveCalls>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) voice_connectors: Arc<VoiceConnectorCount>,
    pub(crate) tally: Tally,
    pub(crate) backups: Arc<BackupDesk>,
    pub(crate) quotas: Arc<QuotaBook>,
    pub(crate) paces: Paces,
    pub(crate) bodies: Budget,
    pub(crate) audit: AuditLog,
    pub(crate) sessions: Sessions,
    pub(crate) pages: OnceLock<Arc<dyn Pages>>,
}

impl Context {
    /// Loads the access keys of `store` and follows their changes; takes up the orders of phone
    /// numbers that were not fulfilled yet.
    ///
    /// # Errors
    /// What the store says when the keys cannot be read.
    pub async fn open(
        store: Store,
        config: ApiConfig,
        live: Arc<dyn LiveCalls>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, StoreError> {
        let keys = KeyRing::load(&store).await?;
        let backups = Arc::new(BackupDesk::open(&store).await);
        let quotas = QuotaBook::load(&store, config.quotas.clone()).await?;
        let shared = Arc::new(Surroundings {
            audit: AuditLog::start(store.clone()),
            bodies: Budget::new(config.limits.body_bytes_all),
            store,
            clock,
            config,
            live,
            keys,
            voice_connectors: Arc::default(),
            tally: Tally::default(),
            backups,
            quotas,
            paces: Paces::default(),
            sessions: Sessions::default(),
            pages: OnceLock::new(),
        });
        let context = Arc::new(Self { shared, draft: None });
        context.fulfilment().resume().await?;
        Ok(context)
    }

    /// Serves web pages besides; the first ones that are given stay.
    pub fn show(&self, pages: Arc<dyn Pages>) {
        let _ = self.pages.set(pages);
    }

    /// What fulfils the orders of phone numbers.
    pub(crate) fn fulfilment(&self) -> Fulfilment {
        Fulfilment {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            quotas: Arc::clone(&self.quotas),
        }
    }

    /// How many requests were served since the start, by operation and status.
    pub fn served(&self) -> Vec<Served> {
        self.tally.served()
    }

    /// The request's own draft for the audit, if it leaves a record.
    pub(crate) fn draft(&self) -> Option<&Draft> {
        self.draft.as_ref()
    }

    /// The same surroundings for one request; what it changes is written together with `draft`.
    pub(crate) fn recording(&self, draft: Option<Draft>) -> Self {
        Self { shared: Arc::clone(&self.shared), draft }
    }

    /// Audit records of refused requests that were lost since the start, because the store was away.
    pub fn audit_lost(&self) -> u64 {
        self.audit.lost()
    }

    /// Changes resources in one transaction. Once this returns, the change is durable and the call
    /// path knows it; after an error, nothing was changed.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let draft = self.draft.clone();
        let recorded = move |tx: &mut dyn Tx| {
            let done = work(&mut *tx)?;
            if let Some(draft) = draft {
                draft.write(tx)?;
            }
            Ok(done)
        };
        self.store.write(recorded).await.map_err(WriteError::into_inner)
    }

    /// Looks at one consistent state of all resources.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        Ok(self.store.read(work).await?)
    }
}
