//! The closed lists behind labels: kinds of frames, codes of refusals, reasons for the end of a connection.

use hubbub_codec::websocket::CloseCode;

/// Makes an enum whose variants index arrays and have a label.
macro_rules! labels {
    ($(#[doc = $about:literal])* $name:ident { $( $(#[doc = $doc:literal])* $variant:ident = $label:literal, )* }) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum $name { $( $(#[doc = $doc])* $variant, )* }

        impl $name {
            /// The labels in the order of the variants.
            pub(super) const LABELS: &'static [&'static str] = &[ $( $label ),* ];
            /// How many there are.
            pub(super) const COUNT: usize = Self::LABELS.len();

            /// Its label in the metrics and its name in the log.
            pub fn label(self) -> &'static str {
                Self::LABELS[self as usize]
            }
        }
    };
}

labels! {
    /// The kind of a frame from a client.
    FrameIn {
        Hello = "hello",
        Login = "login",
        Ping = "ping",
        Sync = "sync",
        Send = "send",
        Delivered = "delivered",
        Read = "read",
        History = "history",
        CreateGroup = "create_group",
        AddMembers = "add_members",
        RemoveMembers = "remove_members",
        Leave = "leave",
        GetGroup = "get_group",
        ListConversations = "list_conversations",
        Register = "register",
        Logout = "logout",
        Edit = "edit",
        Revoke = "revoke",
        React = "react",
        GetMessageInfo = "get_message_info",
        Signal = "signal",
        UpdateGroup = "update_group",
        SetRole = "set_role",
        DeleteGroup = "delete_group",
        MuteMember = "mute_member",
        CreateInvite = "create_invite",
        RevokeInvites = "revoke_invites",
        JoinGroup = "join_group",
        SetRetention = "set_retention",
        Watch = "watch",
        Unwatch = "unwatch",
        SetStatus = "set_status",
        Block = "block",
        Unblock = "unblock",
        ListBlocked = "list_blocked",
        GetProfile = "get_profile",
        UpdateProfile = "update_profile",
        ChangePassword = "change_password",
        ListDevices = "list_devices",
        RenameDevice = "rename_device",
        RevokeDevice = "revoke_device",
        OpenTrunk = "open_trunk",
        /// Of a kind that this server does not know.
        Unknown = "unknown",
    }
}

labels! {
    /// The kind of a frame to a client.
    FrameOut {
        Welcome = "welcome",
        LoggedIn = "logged_in",
        Pong = "pong",
        Error = "error",
        Bye = "bye",
        Done = "done",
        Synced = "synced",
        Sent = "sent",
        Entries = "entries",
        Receipts = "receipts",
        Group = "group",
        Conversations = "conversations",
        ConversationChanged = "conversation_changed",
        Registered = "registered",
        MessageInfo = "message_info",
        Signalled = "signalled",
        Invite = "invite",
        Presence = "presence",
        Blocked = "blocked",
        Profile = "profile",
        Devices = "devices",
        TrunkOpened = "trunk_opened",
    }
}

labels! {
    /// Which kind of listener a connection came by.
    Transport {
        Tcp = "tcp",
        Tls = "tls",
        Http = "http",
        Https = "https",
    }
}

impl Transport {
    /// Whether what is said crosses the network as it is.
    pub fn is_plaintext(self) -> bool {
        matches!(self, Transport::Tcp | Transport::Http)
    }
}

labels! {
    /// How a TLS handshake went that succeeded.
    TlsHandshake {
        Full13 = "full",
        Resumed13 = "resumed",
        Full12 = "full",
        Resumed12 = "resumed",
    }
}

impl TlsHandshake {
    /// The version of TLS, as a label.
    pub(super) const VERSIONS: [&'static str; TlsHandshake::COUNT] = ["1.3", "1.3", "1.2", "1.2"];
}

labels! {
    /// What a proxy said of a connection.
    ProxyHeader {
        /// Where its client is.
        Client = "client",
        /// That it comes for itself, or nothing.
        Local = "local",
        /// Nothing that is a header.
        Refused = "refused",
    }
}

labels! {
    /// Why a connection could not be accepted.
    AcceptFailure {
        /// The process or the machine has no descriptor left.
        Descriptors = "descriptors",
        /// The machine has no memory left for it.
        Memory = "memory",
        /// It was gone already.
        Connection = "connection",
    }
}

impl AcceptFailure {
    /// What an error of `accept` is about.
    pub fn of(error: &std::io::Error) -> AcceptFailure {
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => AcceptFailure::Descriptors,
            Some(libc::ENOBUFS | libc::ENOMEM) => AcceptFailure::Memory,
            _ => AcceptFailure::Connection,
        }
    }
}

labels! {
    /// Why a TLS connection failed.
    TlsFailure {
        /// What came is no TLS at all.
        NotTls = "not_tls",
        /// No version that both speak.
        Version = "version",
        /// No cipher suite, group, signature or protocol that both have.
        NothingInCommon = "nothing_in_common",
        /// The client has refused us; mostly it does not trust the certificate.
        Alert = "alert",
        /// Rules were broken.
        Protocol = "protocol",
        /// The handshake was not over in time.
        Timeout = "timeout",
        /// The connection ended before the handshake was over.
        Closed = "closed",
    }
}

labels! {
    /// Why something was refused; the names are the protocol's error codes.
    Refusal {
        BadFrame = "bad_frame",
        Timeout = "timeout",
        Unsupported = "unsupported",
        Version = "version",
        NotLoggedIn = "not_logged_in",
        TokenInvalid = "token_invalid",
        TokenExpired = "token_expired",
        UnknownUser = "unknown_user",
        UnknownConversation = "unknown_conversation",
        Forbidden = "forbidden",
        Invalid = "invalid",
        LimitExceeded = "limit_exceeded",
        Overloaded = "overloaded",
        StorageFull = "storage_full",
        ResendUnknown = "resend_unknown",
        LogReset = "log_reset",
        Internal = "internal",
        Stopping = "stopping",
        WrongCredentials = "wrong_credentials",
        RateLimited = "rate_limited",
        EmailTaken = "email_taken",
        DeviceRevoked = "device_revoked",
        Blocked = "blocked",
        Muted = "muted",
        TooOld = "too_old",
        UnknownMessage = "unknown_message",
        InviteInvalid = "invite_invalid",
    }
}

impl Refusal {
    /// The refusal of a protocol error code (1 to 27, as numbered in `chat.proto`); others count as internal.
    pub fn from_code(code: i32) -> Self {
        const ALL: [Refusal; Refusal::COUNT] = {
            use Refusal::*;
            [
                BadFrame,
                Timeout,
                Unsupported,
                Version,
                NotLoggedIn,
                TokenInvalid,
                TokenExpired,
                UnknownUser,
                UnknownConversation,
                Forbidden,
                Invalid,
                LimitExceeded,
                Overloaded,
                StorageFull,
                ResendUnknown,
                LogReset,
                Internal,
                Stopping,
                WrongCredentials,
                RateLimited,
                EmailTaken,
                DeviceRevoked,
                Blocked,
                Muted,
                TooOld,
                UnknownMessage,
                InviteInvalid,
            ]
        };
        let index = usize::try_from(code).ok().and_then(|code| code.checked_sub(1));
        index.and_then(|index| ALL.get(index)).copied().unwrap_or(Refusal::Internal)
    }
}

labels! {
    /// The configuration key of a limit that a client has met.
    Limit {
        UserMessages = "limits.user_messages_per_second",
        UserBytes = "limits.user_bytes_per_second",
        UserGroupOperations = "limits.user_group_operations_per_minute",
        ConnectionRequests = "limits.connection_requests_per_second",
        AddressLogins = "limits.address_logins_per_minute",
        Searches = "dedup.searches_per_second",
        HashQueue = "auth.hash_queue_max",
        BodyBytes = "limits.body_bytes_max",
        FrameBytes = "limits.frame_bytes_max",
        SignalBytes = "limits.signal_bytes_max",
        GroupMembers = "limits.group_members_max",
        WatchedUsers = "limits.watched_users_max",
        Devices = "limits.devices_per_user_max",
        EditAge = "messages.edit_age_max_s",
        RevokeAge = "messages.revoke_age_max_s",
        FreeBytes = "storage.free_bytes_min",
        /// One that no key changes.
        Fixed = "fixed",
    }
}

impl Limit {
    /// The limit of a key; those that are not listed count as fixed.
    pub fn of(setting: &str) -> Self {
        use Limit::*;
        const ALL: [Limit; Limit::COUNT] = [
            UserMessages,
            UserBytes,
            UserGroupOperations,
            ConnectionRequests,
            AddressLogins,
            Searches,
            HashQueue,
            BodyBytes,
            FrameBytes,
            SignalBytes,
            GroupMembers,
            WatchedUsers,
            Devices,
            EditAge,
            RevokeAge,
            FreeBytes,
            Fixed,
        ];
        ALL.into_iter().find(|limit| limit.label() == setting).unwrap_or(Fixed)
    }
}

labels! {
    /// How somebody logs in.
    LoginMethod {
        Jwt = "jwt",
        Password = "password",
        SessionToken = "session_token",
    }
}

labels! {
    /// Why a connection ended.
    CloseReason {
        /// The client closed it.
        Client = "client",
        /// Reading or writing failed.
        IoError = "io_error",
        /// It broke the rules of frames, or of the order of login.
        ProtocolError = "protocol_error",
        /// Its token was refused.
        LoginRefused = "login_refused",
        /// It did not log in, or did not finish a frame, in time.
        Timeout = "timeout",
        /// Nothing was heard from it for too long.
        Idle = "idle",
        /// Nothing could be written to it for too long.
        Stalled = "stalled",
        /// The same device logged in on another connection.
        Replaced = "replaced",
        /// Its device was revoked or logged out from elsewhere.
        Revoked = "revoked",
        /// It logged out.
        LoggedOut = "logged_out",
        /// The server was at a limit of its own.
        Overloaded = "overloaded",
        /// Its address had as many connections as it may.
        AddressLimit = "address_limit",
        /// The server stopped.
        Stopping = "stopping",
        /// The trunk that carried it ended.
        TrunkOver = "trunk_over",
        /// Its user is homed on another shard than its trunk.
        WrongShard = "wrong_shard",
    }
}

labels! {
    /// The status of an answer over HTTP.
    HttpStatus {
        SwitchingProtocols = "101",
        Ok = "200",
        NotModified = "304",
        BadRequest = "400",
        Forbidden = "403",
        NotFound = "404",
        MethodNotAllowed = "405",
        Timeout = "408",
        TooLarge = "413",
        UriTooLong = "414",
        UpgradeRequired = "426",
        HeadersTooLarge = "431",
        Unavailable = "503",
        VersionNotSupported = "505",
    }
}

impl HttpStatus {
    /// Whether the request was none that could be understood.
    pub fn is_broken(self) -> bool {
        use HttpStatus::*;
        matches!(self, BadRequest | TooLarge | UriTooLong | HeadersTooLarge | VersionNotSupported)
    }

    /// The same in words, as it stands behind the number.
    pub fn reason(self) -> &'static str {
        match self {
            HttpStatus::SwitchingProtocols => "Switching Protocols",
            HttpStatus::Ok => "OK",
            HttpStatus::NotModified => "Not Modified",
            HttpStatus::BadRequest => "Bad Request",
            HttpStatus::Forbidden => "Forbidden",
            HttpStatus::NotFound => "Not Found",
            HttpStatus::MethodNotAllowed => "Method Not Allowed",
            HttpStatus::Timeout => "Request Timeout",
            HttpStatus::TooLarge => "Content Too Large",
            HttpStatus::UriTooLong => "URI Too Long",
            HttpStatus::UpgradeRequired => "Upgrade Required",
            HttpStatus::HeadersTooLarge => "Request Header Fields Too Large",
            HttpStatus::Unavailable => "Service Unavailable",
            HttpStatus::VersionNotSupported => "HTTP Version Not Supported",
        }
    }
}

labels! {
    /// Why a connection did not become a WebSocket.
    UpgradeRefusal {
        /// It did not ask for one.
        NotWebsocket = "not_websocket",
        /// A version of WebSocket other than 13.
        Version = "version",
        /// A key that is none.
        Key = "key",
        /// A page of somebody else.
        Origin = "origin",
        /// `hubbub.v1` was not offered.
        Subprotocol = "subprotocol",
    }
}

labels! {
    /// With which code a WebSocket was closed.
    WebsocketClose {
        Normal = "1000",
        GoingAway = "1001",
        Protocol = "1002",
        Unsupported = "1003",
        InvalidPayload = "1007",
        Policy = "1008",
        TooLong = "1009",
        Internal = "1011",
        TryAgainLater = "1013",
        /// Another code.
        Other = "other",
        /// A close that gave none.
        None = "none",
    }
}

impl WebsocketClose {
    /// Under which name a code counts.
    pub(super) fn of(code: Option<CloseCode>) -> WebsocketClose {
        match code.map(CloseCode::number) {
            Some(1000) => WebsocketClose::Normal,
            Some(1001) => WebsocketClose::GoingAway,
            Some(1002) => WebsocketClose::Protocol,
            Some(1003) => WebsocketClose::Unsupported,
            Some(1007) => WebsocketClose::InvalidPayload,
            Some(1008) => WebsocketClose::Policy,
            Some(1009) => WebsocketClose::TooLong,
            Some(1011) => WebsocketClose::Internal,
            Some(1013) => WebsocketClose::TryAgainLater,
            Some(_) => WebsocketClose::Other,
            None => WebsocketClose::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_find_their_limit() {
        for setting in Limit::LABELS {
            assert_eq!(Limit::of(setting).label(), *setting);
            let exists = crate::config::keys().any(|key| key.path() == *setting);
            assert!(exists || *setting == "fixed", "{setting} is no key");
        }
        assert_eq!(Limit::of("limits.unheard_of"), Limit::Fixed);
    }

    #[test]
    fn codes_find_their_refusal() {
        for (code, label) in [
            (1, "bad_frame"),
            (8, "unknown_user"),
            (14, "storage_full"),
            (18, "stopping"),
            (0, "internal"),
            (99, "internal"),
            (-1, "internal"),
        ] {
            assert_eq!(Refusal::from_code(code).label(), label, "{code}");
        }
    }
}
