//! What goes into a statement.

/// A value in the place of a `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Arg<'a> {
    /// Nothing.
    Null,
    /// A number, or whether: 0 or 1.
    Int(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

/// [`Arg`], kept for later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owned {
    /// Nothing.
    Null,
    /// A number.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl From<Arg<'_>> for Owned {
    fn from(arg: Arg<'_>) -> Self {
        match arg {
            Arg::Null => Self::Null,
            Arg::Int(number) => Self::Int(number),
            Arg::Text(text) => Self::Text(text.to_owned()),
            Arg::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }
}

impl ToArg for Owned {
    fn arg(&self) -> Arg<'_> {
        match self {
            Self::Null => Arg::Null,
            Self::Int(number) => Arg::Int(*number),
            Self::Text(text) => Arg::Text(text),
            Self::Blob(bytes) => Arg::Blob(bytes),
        }
    }
}

/// What can be an argument.
pub(crate) trait ToArg {
    fn arg(&self) -> Arg<'_>;
}

macro_rules! whole_numbers {
    ($($number:ty)*) => {
        $(impl ToArg for $number {
            fn arg(&self) -> Arg<'_> {
                Arg::Int(i64::from(*self))
            }
        })*
    };
}
whole_numbers! { i64 i32 i16 i8 u32 u16 u8 bool }

/// Counts: none of them comes near the sign.
impl ToArg for u64 {
    fn arg(&self) -> Arg<'_> {
        Arg::Int(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl ToArg for str {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(self)
    }
}

impl ToArg for String {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(self)
    }
}

impl ToArg for [u8] {
    fn arg(&self) -> Arg<'_> {
        Arg::Blob(self)
    }
}

impl ToArg for Vec<u8> {
    fn arg(&self) -> Arg<'_> {
        Arg::Blob(self)
    }
}

impl<const N: usize> ToArg for [u8; N] {
    fn arg(&self) -> Arg<'_> {
        Arg::Blob(self)
    }
}

impl<T: ToArg> ToArg for Option<T> {
    fn arg(&self) -> Arg<'_> {
        self.as_ref().map_or(Arg::Null, ToArg::arg)
    }
}

impl<T: ToArg + ?Sized> ToArg for &T {
    fn arg(&self) -> Arg<'_> {
        (**self).arg()
    }
}

impl<T: ToArg + ?Sized> ToArg for Box<T> {
    fn arg(&self) -> Arg<'_> {
        (**self).arg()
    }
}

/// The arguments of a statement, in order.
pub(crate) trait Args {
    fn with<R>(&self, with: impl FnOnce(&[Arg<'_>]) -> R) -> R;
}

impl<T: ToArg, const N: usize> Args for [T; N] {
    fn with<R>(&self, with: impl FnOnce(&[Arg<'_>]) -> R) -> R {
        with(&self.each_ref().map(ToArg::arg))
    }
}

impl<T: ToArg> Args for Vec<T> {
    fn with<R>(&self, with: impl FnOnce(&[Arg<'_>]) -> R) -> R {
        with(&self.iter().map(ToArg::arg).collect::<Vec<_>>())
    }
}

/// Arguments of several types.
macro_rules! params {
    () => {{
        let none: [&dyn $crate::sql::ToArg; 0] = [];
        none
    }};
    ($($arg:expr),+ $(,)?) => {
        [$(&$arg as &dyn $crate::sql::ToArg),+]
    };
}
pub(crate) use params;
