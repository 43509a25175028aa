//! How processes talk: one protocol, written once.
