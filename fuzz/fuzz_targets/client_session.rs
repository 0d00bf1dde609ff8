//! Any bytes as what a server says to a client session; also run by `codec/tests/fuzz_corpus.rs`.
#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| hubbub_fuzz::client_session(input));
