//! Accounts and devices at the border: profiles and devices from frames and into frames.

use crate::auth::rules;
use hubbub_codec::proto;
use hubbub_core::ids::{DeviceId, UserId};
use hubbub_core::request::{DeviceInfo, ProfileChange, ProfileInfo, Refusal, Request};

/// Longest texts that clients tell of themselves and their devices.
pub const NAME_BYTES_MAX: usize = 64;
const PROFILE_TEXT_BYTES_MAX: usize = 256;

/// 0 is the caller.
pub(super) fn get_profile(get: &proto::GetProfile, user: UserId) -> Request {
    Request::GetProfile(if get.user == 0 { user } else { UserId(get.user) })
}

pub(super) fn update_profile(update: proto::UpdateProfile) -> Result<Request, Refusal> {
    let name = match update.name {
        Some(name) => Some(rules::name("update_profile.name", &name).map_err(violated)?.into()),
        None => None,
    };
    let about = profile_text("update_profile.about", update.about)?;
    let picture = profile_text("update_profile.picture", update.picture)?;
    Ok(Request::UpdateProfile(Box::new(ProfileChange { name, about, picture })))
}

fn profile_text(field: &'static str, text: Option<String>) -> Result<Option<Box<str>>, Refusal> {
    check_length(field, text.as_deref().unwrap_or_default(), PROFILE_TEXT_BYTES_MAX)?;
    Ok(text.map(Into::into))
}

pub(super) fn rename_device(rename: proto::RenameDevice) -> Result<Request, Refusal> {
    check_length("rename_device.name", &rename.name, NAME_BYTES_MAX)?;
    Ok(Request::RenameDevice(DeviceId(rename.device_id), rename.name.into()))
}

fn check_length(field: &'static str, text: &str, limit: usize) -> Result<(), Refusal> {
    if text.len() > limit {
        return Err(Refusal::Limit { field, setting: "fixed", limit: limit as u64, got: text.len() as u64 });
    }
    Ok(())
}

/// A rule for people that is broken, as a refusal.
#[must_use]
pub fn violated(violation: rules::Violation) -> Refusal {
    Refusal::Rule { field: violation.field, rule: violation.rule.to_string().into() }
}

pub(super) fn profile(info: ProfileInfo) -> proto::Profile {
    proto::Profile {
        user: info.user.0,
        name: info.name.into(),
        about: info.about.into(),
        picture: info.picture.into(),
        email: info.email.map(|email| email.as_str().to_owned()).unwrap_or_default(),
        created_us: info.created.0,
    }
}

pub(super) fn devices(devices: Vec<DeviceInfo>) -> proto::Devices {
    let device = |info: DeviceInfo| proto::Device {
        device_id: info.device.0,
        name: info.name.into(),
        platform: info.platform.into(),
        created_us: info.created.0,
        last_seen_us: info.last_seen.0,
        connected: info.connected,
        current: info.current,
    };
    proto::Devices { devices: devices.into_iter().map(device).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Limits, request};
    use hubbub_codec::proto::client_frame::Body;

    #[test]
    fn what_breaks_a_rule_names_its_field() {
        let limits = Limits { body_bytes_max: 10, signal_bytes_max: 10, users_max: 3 };
        let long = "x".repeat(257);
        let update = |name: Option<&str>, about: Option<&str>, picture: Option<&str>| {
            let [name, about, picture] = [name, about, picture].map(|text| text.map(str::to_owned));
            Body::UpdateProfile(proto::UpdateProfile { name, about, picture })
        };
        let rename = proto::RenameDevice { device_id: 1, name: "x".repeat(65) };
        for (body, field) in [
            (update(Some(""), None, None), "update_profile.name"),
            (update(Some(" x"), None, None), "update_profile.name"),
            (update(None, Some(&long), None), "update_profile.about"),
            (update(None, None, Some(&long)), "update_profile.picture"),
            (Body::RenameDevice(rename), "rename_device.name"),
        ] {
            match request(body, UserId(1), &limits) {
                Err(Refusal::Rule { field: found, .. } | Refusal::Limit { field: found, .. }) => {
                    assert_eq!(found, field);
                }
                other => panic!("{field}: {other:?}"),
            }
        }
    }

    #[test]
    fn user_0_is_the_caller() {
        assert_eq!(get_profile(&proto::GetProfile { user: 0 }, UserId(7)), Request::GetProfile(UserId(7)));
        assert_eq!(get_profile(&proto::GetProfile { user: 8 }, UserId(7)), Request::GetProfile(UserId(8)));
    }
}
