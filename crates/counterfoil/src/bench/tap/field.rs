//! How long a card is in the field of a reader, without what the bank takes: through the PC/SC service with a
//! software card in its virtual reader, and through the software reader.

use std::sync::Arc;

use serde_json::Value;
use sim::wallet::{Field, SoftReader, SoftWallet};
use tap::{DriverPack, Reader};

use super::percentile;
use super::stage::{FieldCard, Stand};
use super::terminal::LoadTimes;

/// The times of both readers.
pub(super) struct FieldTimes {
    pcscd: Option<Vec<LoadTimes>>,
    software: Vec<LoadTimes>,
}

impl FieldTimes {
    /// How many loads were made.
    pub(super) fn loads(&self) -> usize {
        self.software.len() + self.pcscd.as_ref().map_or(0, Vec::len)
    }

    /// A percentile in milliseconds; null where no service could be asked.
    pub(super) fn through_pcscd(&self, share: f64) -> Value {
        percentile(self.pcscd.as_deref().unwrap_or_default(), share, |times| times.card_and_reader)
    }

    /// A percentile in milliseconds.
    pub(super) fn in_software(&self, share: f64) -> Value {
        percentile(&self.software, share, |times| times.card_and_reader)
    }
}

/// One card, loaded so many times at each reader.
pub(super) async fn measure(stand: Stand, pack: Arc<DriverPack>, loads: usize) -> Result<FieldTimes, String> {
    let mut card = stand.split().ok_or("a stand without a card")?;
    let field = Field::new();
    field.hold(&SoftWallet::new(card.image.clone()));
    let mut reader = SoftReader::new(field.clone(), std::time::Duration::ZERO);
    let software = load(&mut card, &mut reader, &pack, loads).await?;
    let pcscd = match pcscd::measure(card, field, pack, loads).await {
        Ok(times) => Some(times),
        Err(why) => {
            eprintln!("bench tap: field_time_ms is not measured: {why}");
            None
        }
    };
    Ok(FieldTimes { pcscd, software })
}

async fn load(
    card: &mut FieldCard,
    reader: &mut (impl Reader + Send),
    pack: &Arc<DriverPack>,
    loads: usize,
) -> Result<Vec<LoadTimes>, String> {
    let mut times = Vec::with_capacity(loads);
    for _ in 0..loads {
        let opening = card.opening()?;
        times.push(card.terminal.load(reader, pack, opening).await?);
    }
    Ok(times)
}

#[cfg(not(feature = "pcsc"))]
mod pcscd {
    use super::{Arc, DriverPack, Field, FieldCard, LoadTimes};

    pub(super) async fn measure(
        _card: FieldCard,
        _field: Field,
        _pack: Arc<DriverPack>,
        _loads: usize,
    ) -> Result<Vec<LoadTimes>, String> {
        Err("this program was built without the feature pcsc".into())
    }
}

#[cfg(feature = "pcsc")]
mod pcscd {
    use sim::wallet::{PcscService, VpcdCard};
    use terminal::{PcscReader, list_readers};
    use tokio::runtime::Handle;
    use tokio::task::spawn_blocking;

    use super::{Arc, DriverPack, Field, FieldCard, LoadTimes};

    pub(super) async fn measure(
        mut card: FieldCard,
        field: Field,
        pack: Arc<DriverPack>,
        loads: usize,
    ) -> Result<Vec<LoadTimes>, String> {
        let started = spawn_blocking(|| PcscService::there(|| virtual_reader().is_some())).await;
        let service = started.map_err(|error| error.to_string())??;
        let virtual_card = VpcdCard::start(service.address(), field);
        let runtime = Handle::current();
        // A reader blocks.
        let times = spawn_blocking(move || {
            let name = virtual_reader().ok_or("the virtual reader is gone")?;
            let mut reader = PcscReader::new(&name).map_err(|error| error.to_string())?;
            runtime.block_on(super::load(&mut card, &mut reader, &pack, loads))
        })
        .await
        .map_err(|error| error.to_string())?;
        virtual_card.stop().await;
        drop(service);
        times
    }

    fn virtual_reader() -> Option<String> {
        list_readers().ok()?.into_iter().find(|name| PcscService::is_virtual(name))
    }
}
