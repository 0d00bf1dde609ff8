//! Compiles the protocol with protox, so that no `protoc` needs to be installed.

use std::error::Error;

/// Messages whose `Debug` is written by hand in `src/proto/debug.rs`, without what they hide.
const WITH_SECRETS: [&str; 15] = [
    "Register",
    "Login",
    "PasswordLogin",
    "LoggedIn",
    "ChangePassword",
    "Profile",
    "Invite",
    "JoinGroup",
    "Entry",
    "Send",
    "Edit",
    "MessageEdited",
    "Signal",
    "Signalled",
    "OpenTrunk",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../proto/chat/v1/chat.proto");
    let descriptors = protox::compile(["../proto/chat/v1/chat.proto"], ["../proto"])?;
    let hidden = WITH_SECRETS.map(|message| format!(".hubbub.chat.v1.{message}"));
    prost_build::Config::new().bytes(["."]).skip_debug(hidden).compile_fds(descriptors)?;
    Ok(())
}
