//! Accounts, passwords and session tokens, in one line.

use super::{Down, Raw, Server, Setup, Up, login};
use hubbub_codec::proto::{self, login::Method, password_login::Who};

/// Good enough.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A server on which strangers may register.
pub(crate) fn open_to_strangers() -> Setup {
    Setup::new().config("auth.registration = true\nlimits.address_logins_per_minute = 0")
}

/// A registration.
pub(crate) fn register(name: &str, email: &str, password: &str) -> Up {
    let [name, email, password] = [name, email, password].map(str::to_owned);
    Up::Register(proto::Register { name, email, password })
}

/// A login with an address and a password.
pub(crate) fn by_email(email: &str, password: &str, device: u64) -> Up {
    by_password(Some(Who::Email(email.to_owned())), password, device)
}

/// A login with a user id and a password.
pub(crate) fn by_user(user: u64, password: &str, device: u64) -> Up {
    by_password(Some(Who::UserId(user)), password, device)
}

/// A login with a password.
pub(crate) fn by_password(who: Option<Who>, password: &str, device: u64) -> Up {
    by(Method::Password(proto::PasswordLogin { who, password: password.to_owned() }), device)
}

/// A login with a session token.
pub(crate) fn by_token(token: &str, device: u64) -> Up {
    by(Method::SessionToken(token.to_owned()), device)
}

fn by(method: Method, device_id: u64) -> Up {
    Up::Login(proto::Login { method: Some(method), device_id, ..Default::default() })
}

/// A login with a JWT that also wants a session token.
pub(crate) fn by_jwt_for_a_token(server: &Server, user: u64, device: u64) -> Up {
    let Up::Login(plain) = login(server.token(user), device) else { unreachable!("it is a login") };
    Up::Login(proto::Login { want_session_token: true, ..plain })
}

/// A greeted connection.
#[track_caller]
pub(crate) fn greeted(server: &Server) -> Raw {
    let mut raw = Raw::connect(server);
    raw.hello();
    raw
}

/// Registers somebody: their id.
#[track_caller]
pub(crate) fn registered(server: &Server, name: &str, email: &str) -> u64 {
    match greeted(server).ask(register(name, email, PASSWORD)) {
        Down::Registered(registered) => registered.user_id,
        other => panic!("{other:?}"),
    }
}

/// Logs in: the connection, and what the server said.
#[track_caller]
pub(crate) fn logged_in(server: &Server, login: Up) -> (Raw, proto::LoggedIn) {
    let mut raw = greeted(server);
    match raw.ask(login) {
        Down::LoggedIn(logged_in) => (raw, logged_in),
        other => panic!("{other:?}"),
    }
}

/// Logs in, which must fail and close the connection: with which error.
#[track_caller]
pub(crate) fn not_logged_in(server: &Server, login: Up) -> proto::Error {
    let mut raw = greeted(server);
    let error = raw.ask_in_vain(login);
    assert!(raw.rest().is_empty(), "the connection closes");
    error
}

/// Ends a session.
pub(crate) fn log_out(all_devices: bool) -> Up {
    Up::Logout(proto::Logout { all_devices })
}

/// Another password.
pub(crate) fn change_password(old: &str, new: &str, keep_other_devices: bool) -> Up {
    let [old_password, new_password] = [old, new].map(str::to_owned);
    Up::ChangePassword(proto::ChangePassword { old_password, new_password, keep_other_devices })
}

/// The caller's devices.
#[track_caller]
pub(crate) fn devices(raw: &mut Raw) -> Vec<proto::Device> {
    match raw.ask(Up::ListDevices(proto::ListDevices {})) {
        Down::Devices(devices) => devices.devices,
        other => panic!("{other:?}"),
    }
}

/// Waits until the server has said goodbye because the device was revoked.
#[track_caller]
pub(crate) fn is_revoked(raw: &mut Raw) {
    match raw.rest().pop().and_then(|frame| frame.body) {
        Some(Down::Bye(bye)) => assert_eq!(bye.reason(), proto::bye::Reason::Revoked),
        other => panic!("{other:?}"),
    }
}
