//! Wallet card, terminal and bank.
#![no_std]
extern crate alloc;
