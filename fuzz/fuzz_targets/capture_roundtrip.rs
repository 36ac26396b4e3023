#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wireglass::fuzzing::capture_roundtrip(bytes));
