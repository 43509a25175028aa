//! A world file of any text: see `fuzz_bodies::world_file`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::world_file::run(bytes));
