//! The tables of secrets written anew, and whether the files before held anything for somebody.
//!
//! For: a database whose files hold no secret in clear once all are sealed. `vacuum full` writes a table into new files and deletes
//! those before; but it takes along what was changed a moment ago, while anybody's snapshot is of before that change. So it is
//! done, and said to be done, only when nobody looks at a moment of before the newest sealing.
//! Refuses: waiting for long. A dump may take hours, and whoever asked asks again.

use std::time::{Duration, Instant};

use super::Settings;
use super::alone::Alone;
use crate::error::StoreError;
use crate::handle::Wiped;

/// Who holds back the server's horizon at or before the transaction that set the newest mark, which is the one that sealed: other
/// sessions with what they see, standbys by their feedback (those without a slot are sessions), slots; transactions that change something,
/// in whichever database of the server, for every snapshot reaches back to them, that of `vacuum full` itself too, and those that
/// were prepared; and, before version 16, a setting.
const HELD_BACK: &str = "
    select count(*) from (
        select age(backend_xmin) as far from pg_stat_activity
        where pid <> pg_backend_pid() and (datname is null or datname = current_database())
        union all
        select age(backend_xid) from pg_stat_activity where pid <> pg_backend_pid()
        union all
        select age(xmin) from pg_replication_slots
        union all
        select age(transaction) from pg_prepared_xacts
        union all
        select 0
    ) held
    where far + coalesce(current_setting('vacuum_defer_cleanup_age', true)::int, 0) >= (select min(age(xmin)) from residue)";

/// How long is waited for those who look for a moment, as every unit of work does.
const MOMENT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);

pub(super) fn wipe(settings: &Settings) -> Result<Wiped, StoreError> {
    let alone = Alone::connect(settings)?;
    let is_held = || Ok::<_, StoreError>(alone.number(HELD_BACK)? > 0);
    let began = Instant::now();
    while is_held()? {
        if began.elapsed() >= MOMENT {
            return Ok(Wiped::StillSeen);
        }
        std::thread::sleep(PAUSE);
    }
    alone.batch("vacuum full console_operator")?;
    alone.batch("vacuum full webhook_secret")?;
    // A standby that came meanwhile may have brought an earlier moment with it.
    Ok(if is_held()? { Wiped::StillSeen } else { Wiped::Clean })
}
