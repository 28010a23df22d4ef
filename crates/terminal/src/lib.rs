//! The mobile terminal.
