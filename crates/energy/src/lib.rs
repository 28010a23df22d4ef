//! How long a card's cell lasts.
