//! The shop over real sockets, with a server in the platform's place.

mod door;
mod purchase;
#[cfg(test)]
mod stand;
