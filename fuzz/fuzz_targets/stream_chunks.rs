#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wireglass::fuzzing::stream_chunks(bytes));
