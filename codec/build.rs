//! Compiles the protocol with protox, so that no `protoc` needs to be installed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../proto/chat/v1/chat.proto");
    let descriptors = protox::compile(["../proto/chat/v1/chat.proto"], ["../proto"])?;
    prost_build::Config::new().bytes(["."]).compile_fds(descriptors)?;
    Ok(())
}
