//! A scenario file of any text: see `fuzz_bodies::scenario_file`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::scenario_file::run(bytes));
