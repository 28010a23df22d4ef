//! The rows of a table on their way, and what they sum to on either side.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use futures_util::TryStreamExt as _;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tokio_postgres::binary_copy::{BinaryCopyInWriter, BinaryCopyOutRow, BinaryCopyOutStream};
use tokio_postgres::types::Type;

use super::pairing::Pair;
use super::{ROWS_A_LOOK, Telling};
use crate::error::{MoveError, StoreError};
use crate::postgres::alone::{Alone, told};
use crate::postgres::slots;
use crate::sql::Arg;

/// How many rows, and the sum of a digest of each: in whatever order they come, the same rows sum to the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) rows: u64,
    digest: u64,
}

impl Sum {
    fn take(&mut self, row: &[Arg<'_>]) {
        let mut hasher = DefaultHasher::new();
        for value in row {
            match value {
                Arg::Null => 0_u8.hash(&mut hasher),
                Arg::Int(number) => (1_u8, number).hash(&mut hasher),
                Arg::Text(text) => (2_u8, text).hash(&mut hasher),
                Arg::Blob(bytes) => (3_u8, bytes).hash(&mut hasher),
            }
        }
        self.rows = self.rows.saturating_add(1);
        self.digest = self.digest.wrapping_add(hasher.finish());
    }
}

/// Sends the rows of a table, one after the other; the server's pace is the pace.
pub(super) fn send(
    file: &Connection,
    server: &Alone,
    pair: &Pair,
    telling: &mut Telling<'_>,
) -> Result<Sum, MoveError> {
    let types: Vec<Type> = pair.columns.iter().map(|(_, kind)| kind.clone()).collect();
    let names = pair.names();
    let refused = |error: StoreError, row: u64| match error {
        StoreError::Engine(reason) | StoreError::Constraint(reason) => {
            MoveError::Row { table: pair.to.clone(), row, reason }
        }
        error => error.into(),
    };
    let mut select =
        file.prepare(&format!("select {names} from \"{}\"", pair.from)).map_err(StoreError::from)?;
    let mut rows = select.query([]).map_err(StoreError::from)?;
    let mut sum = Sum::default();
    server.drive(async {
        let into = format!("copy \"{}\" ({names}) from stdin binary", pair.to);
        let sink = server.client().copy_in(&into).await.map_err(|error| told(&error))?;
        let mut writer = Box::pin(BinaryCopyInWriter::new(sink, &types));
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let values: Result<Vec<Arg<'_>>, StoreError> =
                (0..types.len()).map(|place| value(row, place)).collect();
            let values = values?;
            writer
                .as_mut()
                .write(&slots(&values))
                .await
                .map_err(|error| refused(told(&error), sum.rows.saturating_add(1)))?;
            sum.take(&values);
            if sum.rows.is_multiple_of(ROWS_A_LOOK) {
                telling.done(&pair.to, ROWS_A_LOOK)?;
            }
        }
        writer.as_mut().finish().await.map_err(|error| refused(told(&error), sum.rows))?;
        telling.done(&pair.to, sum.rows % ROWS_A_LOOK)
    })?;
    Ok(sum)
}

fn value<'r>(row: &'r rusqlite::Row<'_>, place: usize) -> Result<Arg<'r>, StoreError> {
    Ok(match row.get_ref(place)? {
        ValueRef::Null => Arg::Null,
        ValueRef::Integer(number) => Arg::Int(number),
        ValueRef::Text(text) => {
            Arg::Text(str::from_utf8(text).map_err(|_| StoreError::Malformed("text that is not UTF-8"))?)
        }
        ValueRef::Blob(bytes) => Arg::Blob(bytes),
        ValueRef::Real(_) => return Err(StoreError::Malformed("a number with a fraction")),
    })
}

/// Reads a table at the server again.
pub(super) fn sum_of(server: &Alone, pair: &Pair, telling: &mut Telling<'_>) -> Result<Sum, MoveError> {
    let types: Vec<Type> = pair.columns.iter().map(|(_, kind)| kind.clone()).collect();
    let mut sum = Sum::default();
    server.drive(async {
        // A table in parts is read by a selection alone.
        let out = format!("copy (select {} from \"{}\") to stdout binary", pair.names(), pair.to);
        let stream = server.client().copy_out(&out).await.map_err(|error| told(&error))?;
        let mut rows = Box::pin(BinaryCopyOutStream::new(stream, &types));
        while let Some(row) = rows.try_next().await.map_err(|error| told(&error))? {
            let values: Result<Vec<Arg<'_>>, tokio_postgres::Error> =
                types.iter().enumerate().map(|(place, kind)| kept(&row, place, kind)).collect();
            sum.take(&values.map_err(|error| told(&error))?);
            if sum.rows.is_multiple_of(ROWS_A_LOOK) {
                telling.done(&pair.to, ROWS_A_LOOK)?;
            }
        }
        telling.done(&pair.to, sum.rows % ROWS_A_LOOK)
    })?;
    Ok(sum)
}

fn kept<'r>(row: &'r BinaryCopyOutRow, place: usize, kind: &Type) -> Result<Arg<'r>, tokio_postgres::Error> {
    Ok(match *kind {
        Type::INT8 => row.try_get::<Option<i64>>(place)?.map_or(Arg::Null, Arg::Int),
        Type::BYTEA => row.try_get::<Option<&[u8]>>(place)?.map_or(Arg::Null, Arg::Blob),
        _ => row.try_get::<Option<&str>>(place)?.map_or(Arg::Null, Arg::Text),
    })
}
