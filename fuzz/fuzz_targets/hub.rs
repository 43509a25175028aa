//! Arbitrary peers and an arbitrary owner of a hub: see `fuzz_bodies::hub`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::hub::run(bytes));
