//! What comes out of a row.

use crate::error::StoreError;

/// A value as an engine hands it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'r> {
    /// Nothing.
    Null,
    /// A number, or whether: 0 or 1.
    Int(i64),
    /// Text.
    Text(&'r str),
    /// Bytes.
    Blob(&'r [u8]),
}

/// The columns of a row, from 0.
pub(crate) trait Columns {
    fn value(&self, place: usize) -> Result<Value<'_>, StoreError>;
}

/// A row of some engine.
pub(crate) type Row<'r> = dyn Columns + 'r;

impl Row<'_> {
    /// A column as a type; [`StoreError::Malformed`] where it holds another.
    pub(crate) fn get<T: FromValue>(&self, place: usize) -> Result<T, StoreError> {
        T::from_value(self.value(place)?).ok_or(StoreError::Malformed(T::WHAT))
    }
}

/// What a column can be read as.
pub(crate) trait FromValue: Sized {
    /// For the error.
    const WHAT: &'static str;
    fn from_value(value: Value<'_>) -> Option<Self>;
}

macro_rules! whole_numbers {
    ($($number:ty)*) => {
        $(impl FromValue for $number {
            const WHAT: &'static str = "a number that is out of its range";
            fn from_value(value: Value<'_>) -> Option<Self> {
                match value {
                    Value::Int(number) => Self::try_from(number).ok(),
                    Value::Null | Value::Text(_) | Value::Blob(_) => None,
                }
            }
        })*
    };
}
whole_numbers! { i64 i32 i16 i8 u64 u32 u16 u8 usize }

impl FromValue for bool {
    const WHAT: &'static str = "neither yes nor no";
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Int(number) => Some(number != 0),
            Value::Null | Value::Text(_) | Value::Blob(_) => None,
        }
    }
}

impl FromValue for String {
    const WHAT: &'static str = "no text";
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.to_owned()),
            Value::Null | Value::Int(_) | Value::Blob(_) => None,
        }
    }
}

impl FromValue for Vec<u8> {
    const WHAT: &'static str = "no bytes";
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes.to_vec()),
            Value::Null | Value::Int(_) | Value::Text(_) => None,
        }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    const WHAT: &'static str = "bytes of another length";
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Blob(bytes) => bytes.try_into().ok(),
            Value::Null | Value::Int(_) | Value::Text(_) => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const WHAT: &'static str = T::WHAT;
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(Value<'static>);

    impl Columns for One {
        fn value(&self, _: usize) -> Result<Value<'_>, StoreError> {
            Ok(self.0)
        }
    }

    #[test]
    fn a_column_of_another_type_is_malformed_and_not_guessed() {
        let row: &Row<'_> = &One(Value::Int(256));
        assert_eq!(row.get::<u16>(0), Ok(256));
        assert!(row.get::<u8>(0).is_err() && row.get::<String>(0).is_err() && row.get::<Vec<u8>>(0).is_err());
        let row: &Row<'_> = &One(Value::Null);
        assert_eq!(row.get::<Option<u8>>(0), Ok(None));
        assert!(row.get::<i64>(0).is_err());
        let row: &Row<'_> = &One(Value::Blob(&[1, 2]));
        assert_eq!(row.get::<[u8; 2]>(0), Ok([1, 2]));
        assert!(row.get::<[u8; 3]>(0).is_err() && row.get::<bool>(0).is_err());
    }
}
