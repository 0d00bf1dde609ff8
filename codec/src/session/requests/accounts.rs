//! The person's account: its devices, its profile, how others see it, whom it has blocked.

use std::time::Duration;

use super::super::credentials::Secret;
use super::super::refusal::SendRefused;
use super::super::reply::RequestId;
use super::super::{Session, proto};
use super::numbers;
use crate::ids::{DeviceId, UserId};
use crate::proto::client_frame::Body;

/// What is to change of a profile; the default changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileChange {
    /// 1 to 64 characters, no control characters, no white space at either end.
    pub name: Option<String>,
    /// At most 256 bytes.
    pub about: Option<String>,
    /// Where the application finds a picture; at most 256 bytes.
    pub picture: Option<String>,
}

/// What is to change of how others see this user; the default changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusChange {
    /// Whether others see when the user is online.
    pub visibility: Option<Visibility>,
    /// At most 128 bytes.
    pub status: Option<String>,
}

/// Whether others see when a user is online.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// They do.
    Visible,
    /// The user is shown offline.
    Invisible,
}

impl Session {
    /// Ends this session and its token for good, or also those of all other devices of the user. Answered by
    /// [`Reply::Done`](super::super::Reply::Done), then [`Event::Ended`](super::super::Event::Ended). When the answer is
    /// lost with the connection, the next login finds out.
    ///
    /// ```no_run
    /// # use hubbub_codec::{ids::DeviceId, session::{ProfileChange, SendRefused, Session}};
    /// # fn example(session: &mut Session, now: std::time::Duration) -> Result<(), SendRefused> {
    /// session.update_profile(now, ProfileChange { about: Some("At sea".into()), ..Default::default() })?;
    /// session.change_password(now, "old", "correct horse battery staple", false)?;
    /// session.revoke_device(now, DeviceId(7))?;
    /// session.logout(now, false)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn logout(&mut self, now: Duration, all_devices: bool) -> Result<RequestId, SendRefused> {
        self.request(now, Body::Logout(proto::Logout { all_devices }))
    }

    /// A user's profile. Answered by [`Reply::Profile`](super::super::Reply::Profile).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn profile(&mut self, now: Duration, user: UserId) -> Result<RequestId, SendRefused> {
        self.request(now, Body::GetProfile(proto::GetProfile { user: user.0 }))
    }

    /// This user's own profile. Answered by [`Reply::Profile`](super::super::Reply::Profile).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn own_profile(&mut self, now: Duration) -> Result<RequestId, SendRefused> {
        self.profile(now, UserId(0))
    }

    /// Changes this user's profile. Answered by [`Reply::Profile`](super::super::Reply::Profile).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn update_profile(&mut self, now: Duration, change: ProfileChange) -> Result<RequestId, SendRefused> {
        let ProfileChange { name, about, picture } = change;
        self.request(now, Body::UpdateProfile(proto::UpdateProfile { name, about, picture }))
    }

    /// Changes the password; an account that a JWT made has none, and gives an empty `old`. Unless `keep_other_devices`,
    /// the sessions and tokens of all other devices end. Answered by [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn change_password(
        &mut self,
        now: Duration,
        old: impl Into<Secret>,
        new: impl Into<Secret>,
        keep_other_devices: bool,
    ) -> Result<RequestId, SendRefused> {
        let request = proto::ChangePassword {
            old_password: old.into().expose().to_owned(),
            new_password: new.into().expose().to_owned(),
            keep_other_devices,
        };
        self.request(now, Body::ChangePassword(request))
    }

    /// This user's devices. Answered by [`Reply::Devices`](super::super::Reply::Devices).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn list_devices(&mut self, now: Duration) -> Result<RequestId, SendRefused> {
        self.request(now, Body::ListDevices(proto::ListDevices {}))
    }

    /// Names a device (at most 64 bytes). Answered by [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn rename_device(
        &mut self,
        now: Duration,
        device: DeviceId,
        name: impl Into<String>,
    ) -> Result<RequestId, SendRefused> {
        self.request(now, Body::RenameDevice(proto::RenameDevice { device_id: device.0, name: name.into() }))
    }

    /// Ends a device's session and token. Answered by [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn revoke_device(&mut self, now: Duration, device: DeviceId) -> Result<RequestId, SendRefused> {
        self.request(now, Body::RevokeDevice(proto::RevokeDevice { device_id: device.0 }))
    }

    /// Changes how others see this user. Answered by [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn set_status(&mut self, now: Duration, change: StatusChange) -> Result<RequestId, SendRefused> {
        use proto::set_status::Visibility as Wire;
        let visibility = match change.visibility {
            None => Wire::Unspecified,
            Some(Visibility::Visible) => Wire::Visible,
            Some(Visibility::Invisible) => Wire::Invisible,
        };
        let request = proto::SetStatus { visibility: visibility.into(), status: change.status };
        self.request(now, Body::SetStatus(request))
    }

    /// Blocks users, 1 to 100 at a time: nothing passes between them and this user, save in groups. Answered by
    /// [`Reply::Done`](super::super::Reply::Done) once it is in force.
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn block(&mut self, now: Duration, users: &[UserId]) -> Result<RequestId, SendRefused> {
        self.request(now, Body::Block(proto::Block { users: numbers(users) }))
    }

    /// Blocks users no longer. Answered by [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn unblock(&mut self, now: Duration, users: &[UserId]) -> Result<RequestId, SendRefused> {
        self.request(now, Body::Unblock(proto::Unblock { users: numbers(users) }))
    }

    /// Whom this user has blocked. Answered by [`Reply::Blocked`](super::super::Reply::Blocked).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn list_blocked(&mut self, now: Duration) -> Result<RequestId, SendRefused> {
        self.request(now, Body::ListBlocked(proto::ListBlocked {}))
    }
}
