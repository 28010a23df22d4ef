//! What other people's networks say and want to hear.
