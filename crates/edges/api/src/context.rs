//! What every request needs: the store, the time, the settings, the keys, the calls in progress.

use std::sync::Arc;

use store::{Store, StoreError, Tx, View, WriteError};

use crate::authenticate::KeyRing;
use crate::clock::Clock;
use crate::config::ApiConfig;
use crate::error::ApiError;
use crate::live::LiveCalls;
use crate::operation::phone_number_order::fulfil::Fulfilment;
use crate::operator::backup::BackupDesk;
use crate::quota::VoiceConnectorCount;
use crate::tally::{Served, Tally};

/// The control plane's surroundings, one per process.
pub struct Context {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: ApiConfig,
    pub(crate) live: Arc<dyn LiveCalls>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) voice_connectors: Arc<VoiceConnectorCount>,
    pub(crate) tally: Tally,
    pub(crate) backups: Arc<BackupDesk>,
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
        let context = Arc::new(Self {
            store,
            clock,
            config,
            live,
            keys,
            voice_connectors: Arc::default(),
            tally: Tally::default(),
            backups,
        });
        context.fulfilment().resume().await?;
        Ok(context)
    }

    /// What fulfils the orders of phone numbers.
    pub(crate) fn fulfilment(&self) -> Fulfilment {
        Fulfilment {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            quota: self.config.quotas.phone_numbers,
        }
    }

    /// How many requests were served since the start, by operation and status.
    pub fn served(&self) -> Vec<Served> {
        self.tally.served()
    }

    /// Changes resources in one transaction. Once this returns, the change is durable and the call
    /// path knows it; after an error, nothing was changed.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.store.write(work).await.map_err(WriteError::into_inner)
    }

    /// Looks at one consistent state of all resources.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        Ok(self.store.read(work).await?)
    }
}
