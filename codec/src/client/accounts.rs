//! The account: devices, profile, blocks, as futures.

use super::{Client, RequestError};
use crate::ids::{DeviceId, UserId};
use crate::proto;
use crate::session::{ProfileChange, Reply, Secret, Session, StatusChange};

impl Client {
    /// Ends this session and its token for good; see [`Session::logout`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn logout(&self, all_devices: bool) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.logout(now, all_devices)).await
    }

    /// A user's profile; see [`Session::profile`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn profile(&self, user: UserId) -> Result<proto::Profile, RequestError> {
        match self.request(move |session: &mut Session, now| session.profile(now, user)).await? {
            Reply::Profile(it) => Ok(*it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// This user's own profile; see [`Session::own_profile`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn own_profile(&self) -> Result<proto::Profile, RequestError> {
        match self.request(move |session: &mut Session, now| session.own_profile(now)).await? {
            Reply::Profile(it) => Ok(*it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Changes this user's profile; see [`Session::update_profile`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn update_profile(&self, change: ProfileChange) -> Result<proto::Profile, RequestError> {
        match self.request(move |session: &mut Session, now| session.update_profile(now, change)).await? {
            Reply::Profile(it) => Ok(*it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Changes the password; see [`Session::change_password`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn change_password(
        &self,
        old: impl Into<Secret>,
        new: impl Into<Secret>,
        keep_other_devices: bool,
    ) -> Result<(), RequestError> {
        let (old, new) = (old.into(), new.into());
        self.done(move |session: &mut Session, now| session.change_password(now, old, new, keep_other_devices)).await
    }

    /// This user's devices; see [`Session::list_devices`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn list_devices(&self) -> Result<Vec<proto::Device>, RequestError> {
        match self.request(move |session: &mut Session, now| session.list_devices(now)).await? {
            Reply::Devices(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Names a device; see [`Session::rename_device`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn rename_device(&self, device: DeviceId, name: impl Into<String>) -> Result<(), RequestError> {
        let name = name.into();
        self.done(move |session: &mut Session, now| session.rename_device(now, device, name)).await
    }

    /// Ends a device's session and token; see [`Session::revoke_device`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn revoke_device(&self, device: DeviceId) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.revoke_device(now, device)).await
    }

    /// Changes how others see this user; see [`Session::set_status`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn set_status(&self, change: StatusChange) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.set_status(now, change)).await
    }

    /// Blocks users; see [`Session::block`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn block(&self, users: Vec<UserId>) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.block(now, &users)).await
    }

    /// Blocks users no longer; see [`Session::unblock`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unblock(&self, users: Vec<UserId>) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.unblock(now, &users)).await
    }

    /// Whom this user has blocked; see [`Session::list_blocked`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn list_blocked(&self) -> Result<Vec<UserId>, RequestError> {
        match self.request(move |session: &mut Session, now| session.list_blocked(now)).await? {
            Reply::Blocked(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }
}
