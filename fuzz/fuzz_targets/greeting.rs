//! A stranger that says anything: see `fuzz_bodies::greeting`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::greeting::run(bytes));
