//! Any bytes as a client frame, as a server takes them; also run by `codec/tests/fuzz_corpus.rs`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| hubbub_fuzz::client_frame(input));
