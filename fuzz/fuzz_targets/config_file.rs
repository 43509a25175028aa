//! A configuration of any text: see `fuzz_bodies::config_file`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::config_file::run(bytes));
