//! Compiles the stored records with protox, so that no `protoc` needs to be installed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../../proto/store/v1/store.proto");
    let descriptors = protox::compile(["../../proto/store/v1/store.proto"], ["../../proto"])?;
    prost_build::Config::new().bytes(["."]).compile_fds(descriptors)?;
    Ok(())
}
