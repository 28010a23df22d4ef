//! Every refusal by its exact outcome or code; and each time that no money was lost or made.

mod activation;
mod authorization;
mod card;
mod doubt;
mod envelope;
mod industry;
mod message;
mod proof;
mod secret;
mod standing;
