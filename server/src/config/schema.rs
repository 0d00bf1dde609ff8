//! Every configuration key: its type, its default and its meaning, written once.
//!
//! The structs, their defaults, the list [`KEYS`], `deploy/hubbub.example.toml` and the names of the environment
//! variables all come from this file, so they cannot disagree. It holds no logic: what may be combined is in
//! `validate`, where values come from is in `sources`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A configuration key as people write it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The table it stands in; empty for the top level.
    pub section: &'static str,
    /// Its name inside that table.
    pub name: &'static str,
    /// What it means, one line of prose for each element, each with a leading space.
    pub doc: &'static [&'static str],
    /// How its line looks in the example file when it has no default value of its own.
    pub unset: Option<&'static str>,
}

impl Key {
    /// The whole name, such as `limits.frame_bytes_max`.
    pub fn path(&self) -> String {
        if self.section.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.section, self.name) }
    }

    /// The environment variable that overrides it, such as `HUBBUB_LIMITS__FRAME_BYTES_MAX`.
    pub fn variable(&self) -> String {
        format!("HUBBUB_{}", self.path().replace('.', "__").to_uppercase())
    }
}

/// How far an acknowledged message is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// On disk before it is acknowledged: survives a power cut.
    Fsync,
    /// In the operating system's hands before it is acknowledged: survives a crash of the server, not a power cut.
    Os,
    /// In memory only until the next flush: a crash loses the newest messages.
    None,
}

impl Durability {
    /// Its name in the configuration, the log and the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Durability::Fsync => "fsync",
            Durability::Os => "os",
            Durability::None => "none",
        }
    }
}

/// How long messages are kept where nobody chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionDefault {
    /// For ever.
    Forever,
    /// For a time.
    Ttl,
    /// Until every device of every member holds them.
    UntilDelivered,
}

/// Makes a struct of keys with serde, defaults and a list of [`Key`]s. A key without a default value is an `Option`
/// and shows how it would be written instead.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        $name:ident at $section:literal {
            $( $(#[doc = $doc:literal])+ $(#[serde($($serde:meta),+)])? $field:ident: $type:ty = $default:expr
               $(, unset $unset:literal)? ; )*
        }
        $( tables { $( $(#[doc = $table_doc:literal])+ $table:ident: $table_type:ty; )* } )?
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $( $(#[doc = $doc])+ $(#[serde($($serde),+)])? pub $field: $type, )*
            $( $( $(#[doc = $table_doc])+ pub $table: $table_type, )* )?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* $( $( $table: Default::default(), )* )? }
            }
        }

        impl $name {
            const KEYS: &'static [Key] = &[ $( Key {
                section: $section,
                name: stringify!($field),
                doc: &[$($doc),+],
                unset: section!(@unset $($unset)?),
            } ),* ];
        }
    };
    (@unset) => { None };
    (@unset $unset:literal) => { Some($unset) };
}

section! {
    /// The whole configuration. What a zero stands for ("choose for me") is resolved where the process knows its
    /// machine, not here.
    Config at "" {
        /// Where clients connect over plain TCP. Port 0 takes any free port, "" switches it off. Any listener of clients
        /// beyond loopback needs auth.token_secret_file, auth.jwt_key_files or auth.jwks_file.
        #[serde(serialize_with = "address_or_off", deserialize_with = "address_if_any")]
        listen: Option<SocketAddr> = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 7400)));
        /// Takes listeners without TLS beyond loopback. Tokens, passwords and messages then cross the network as they are,
        /// so it is for a place behind a proxy that speaks TLS with the clients.
        plaintext_behind_proxy: bool = false;
        /// Where /metrics and /healthz are served, over HTTP and without authentication.
        #[serde(deserialize_with = "address")]
        metrics_listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 7480));
        /// The directory of everything that is kept. Made when it is not there.
        data_dir: PathBuf = PathBuf::from("./hubbub-data");
        /// How far an acknowledged message is safe: "fsync" (survives a power cut), "os" (survives a crash of the
        /// server, not a power cut) or "none" (a crash loses the newest messages).
        durability: Durability = Durability::Fsync;
        /// Threads that serve clients, at most storage.partitions. 0: one for each core.
        shards: usize = 0;
    }
    tables {
        /// TLS.
        tls: Tls;
        /// For browsers.
        http: Http;
        /// Proxies before this server.
        proxy: Proxy;
        /// Who may log in.
        auth: Auth;
        /// What one client, and all together, may use.
        limits: Limits;
        /// What a client is sent when it comes back.
        sync: Sync;
        /// Who is shown as online.
        presence: Presence;
        /// Calls that are signalled.
        calls: Calls;
        /// What authors are told of their messages in groups.
        receipts: Receipts;
        /// How far back a resent message is recognised.
        dedup: Dedup;
        /// Changing what was sent.
        messages: Messages;
        /// How long messages are kept.
        retention: Retention;
        /// The embedded store.
        storage: Storage;
        /// Making messages durable.
        commit: Commit;
        /// Threads that read from disk.
        readers: Readers;
        /// An orderly stop.
        shutdown: Shutdown;
        /// Gateways that bring many clients over one connection.
        trunk: Trunk;
    }
}

section! {
    /// TLS 1.3 and 1.2.
    Tls at "tls" {
        /// Where clients connect with TLS, besides listen.
        #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "address_if_any")]
        listen: Option<SocketAddr> = None, unset "\"0.0.0.0:7401\"";
        /// The server's certificate in PEM, followed by those that lead to one that clients trust. It and the key are read
        /// again within a second or so of a change, for whoever connects from then on; files that are then no longer sound
        /// are reported in the log, and the certificate from before stays in use.
        #[serde(skip_serializing_if = "Option::is_none")]
        certificate_file: Option<PathBuf> = None, unset "\"/etc/hubbub/certificate.pem\"";
        /// The certificate's private key in PEM: ECDSA P-256 (the fastest) or P-384, Ed25519, or RSA. Nobody but its owner
        /// and group may read it.
        #[serde(skip_serializing_if = "Option::is_none")]
        key_file: Option<PathBuf> = None, unset "\"/etc/hubbub/key.pem\"";
    }
}

section! {
    /// For browsers: the chat page and WebSockets.
    Http at "http" {
        /// Where they are served without TLS. "" switches it off.
        #[serde(serialize_with = "address_or_off", deserialize_with = "address_if_any")]
        listen: Option<SocketAddr> = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 7402)));
        /// Where they are served with TLS, with the certificate of the table above.
        #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "address_if_any")]
        tls_listen: Option<SocketAddr> = None, unset "\"0.0.0.0:7403\"";
        /// Origins of pages that may open a WebSocket besides the page that is served here, as browsers write them. A proxy
        /// that takes off TLS makes one necessary: `["https://chat.example"]`.
        origins: Vec<String> = Vec::new();
        /// Whether the chat page is served. Without it there is only the WebSocket.
        page: bool = true;
    }
}

section! {
    /// Proxies before this server.
    Proxy at "proxy" {
        /// Addresses and networks (10.0.0.5, 10.0.0.0/8, fd00::/8) whose connections, on every listener of clients, must begin
        /// with a PROXY protocol header of version 2. Limits by address count the address that it names. A header from
        /// anybody else is no header, and closes.
        trusted: Vec<String> = Vec::new();
    }
}

section! {
    /// Who may log in.
    Auth at "auth" {
        /// The file with the secret that signs login tokens (HS256): at least 32 bytes, and nobody but its owner and
        /// group may read it. When neither it nor jwt_key_files nor jwks_file is set, DATA_DIR/token-secret is made with
        /// a random secret at first start. It and the files below are read again within a second or so of a change; one
        /// that is then no longer sound is reported in the log, and the keys from before stay in use.
        #[serde(skip_serializing_if = "Option::is_none")]
        token_secret_file: Option<PathBuf> = None, unset "\"/etc/hubbub/token-secret\"";
        /// Files with public keys in PEM whose owners may sign login tokens: RSA from 2048 bits (RS256), P-256 (ES256) or
        /// Ed25519 (EdDSA). A key verifies tokens of its own algorithm only.
        jwt_key_files: Vec<PathBuf> = Vec::new();
        /// A JWKS document with public keys of the same kinds. A token that names a key (kid) is tried with that one,
        /// other tokens with all keys of their algorithm, at most 16.
        #[serde(skip_serializing_if = "Option::is_none")]
        jwks_file: Option<PathBuf> = None, unset "\"/etc/hubbub/jwks.json\"";
        /// When given, a token must be made for one of these audiences (aud). When not, a token with an audience is
        /// refused: it was made for somebody else.
        jwt_audience: Vec<String> = Vec::new();
        /// When given, a token must be made by one of these issuers (iss).
        jwt_issuer: Vec<String> = Vec::new();
        /// Whether the first login of a user that a valid token names makes the account.
        create_users: bool = true;
        /// Whether strangers may register with an e-mail address and a password. When it is not set, they may as long as
        /// only this machine can connect (listen is a loopback address). Beyond it, it lets whoever can connect make
        /// accounts, and no mail is sent that would prove an address to be theirs. It is not needed where another service
        /// knows the users and signs tokens for them.
        #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "switch")]
        registration: Option<bool> = None, unset "true";
        /// Fewest characters of a password, 8 to 128. At most 128 are taken.
        password_chars_min: u32 = 8;
        /// Threads that hash passwords (Argon2id), at low priority so that messages go first. Each uses 19 MiB while it
        /// hashes.
        hash_threads: usize = 2;
        /// Most passwords that wait for such a thread; beyond it logins and registrations with a password are refused
        /// for a moment. Nothing else waits for them.
        hash_queue_max: usize = 64;
        /// For how many days a session token, which a client gets when it logs in with a password, is valid.
        session_token_days: u32 = 90;
    }
}

section! {
    /// What one client, and all together, may use.
    Limits at "limits" {
        /// Longest frame, in bytes, without its length prefix. At most 16 MiB.
        frame_bytes_max: usize = 65_536;
        /// Longest message body, in bytes. At most limits.frame_bytes_max - 1024.
        body_bytes_max: usize = 60_000;
        /// Longest body of a signal, in bytes. Never more than limits.frame_bytes_max - 1024.
        signal_bytes_max: usize = 8_192;
        /// Most users whose presence one connection may watch.
        watched_users_max: u32 = 1_000;
        /// Most members of a group.
        group_members_max: u32 = 1_000;
        /// Most requests of one connection without their replies; beyond it the connection is not read.
        requests_in_progress_max: u32 = 64;
        /// Most bytes that wait to be sent to one connection; beyond it the connection lags and continues from the
        /// log once it has drained.
        connection_outbound_bytes_max: usize = 262_144;
        /// The same for all connections together; the largest ones lag first.
        outbound_bytes_max: usize = 1 << 30;
        /// Most connections. 0: as many as the file descriptors allow.
        connections_max: usize = 0;
        /// Most connections that have not logged in. 0: half of all.
        connections_unauthenticated_max: usize = 0;
        /// Most connections of one address (of IPv6: one /64). Far more than people behind one address have, so that it
        /// bounds what a single machine takes from all others; a proxy that names no clients needs more. 0: no limit.
        connections_per_address_max: usize = 10_000;
        /// A connection that has not logged in after this many milliseconds is closed.
        login_deadline_ms: u64 = 10_000;
        /// A frame that has begun to arrive must be whole after this many milliseconds.
        frame_deadline_ms: u64 = 30_000;
        /// A connection to which nothing could be written for this many milliseconds is closed.
        write_deadline_ms: u64 = 60_000;
        /// Logins with a password, registrations and failed logins of any kind that one address (of IPv6: one /64) may
        /// make in a minute, in the long run. Logins with a good token are not counted. 0: no limit.
        address_logins_per_minute: u32 = 60;
        /// How many of them may come at once after a quiet time.
        address_logins_burst: u32 = 100;
        /// Most devices of a user. A further one may log in once one was revoked, or was not seen for 90 days.
        devices_per_user_max: u32 = 16;
        /// How many messages a user may send in a second in the long run, all devices together; reactions, edits and
        /// the like count as messages. 0: no limit.
        user_messages_per_second: u32 = 50;
        /// How many of them may come at once.
        user_messages_burst: u32 = 500;
        /// How many bytes those messages may hold in a second in the long run. 0: no limit.
        user_bytes_per_second: u64 = 1 << 20;
        /// How many of them may come at once. At least limits.frame_bytes_max.
        user_bytes_burst: u64 = 8 << 20;
        /// How many groups a user may make or change in a minute in the long run. 0: no limit.
        user_group_operations_per_minute: u32 = 120;
        /// How many of them may come at once.
        user_group_operations_burst: u32 = 120;
        /// How many requests that want a reply, and signals, one connection may send in a second in the long run. 0: no
        /// limit.
        connection_requests_per_second: u32 = 200;
        /// How many of them may come at once.
        connection_requests_burst: u32 = 2_000;
        /// Clients are told to ping after this many milliseconds of silence; after 2.5 times that they are closed.
        keepalive_ms: u64 = 240_000;
    }
}

section! {
    /// What a client is sent when it comes back.
    Sync at "sync" {
        /// Most entries of a conversation that a sync sends when the client names no cursor for it; older ones come
        /// by History.
        entries_max: u32 = 200;
    }
}

section! {
    /// Who is shown as online.
    Presence at "presence" {
        /// A user is online for this many milliseconds after the last frame of any device. Below limits.keepalive_ms,
        /// silent clients are shown as away between their pings.
        timeout_ms: u64 = 300_000;
        /// Whoever comes back within this many milliseconds after the last device has left was never away.
        grace_ms: u64 = 10_000;
        /// A user's watchers are told of changes at most once in this many milliseconds.
        interval_ms: u64 = 1_000;
    }
}

section! {
    /// Calls that are signalled.
    Calls at "calls" {
        /// A call that nobody takes or ends rings for this many milliseconds; then everybody is told.
        ring_timeout_ms: u64 = 45_000;
    }
}

section! {
    /// What authors are told of their messages in groups.
    Receipts at "receipts" {
        /// How often the authors of a group are told how many hold and have read their newest messages, at most.
        pushes_per_second: u32 = 2;
    }
}

section! {
    /// How far back a resent message is recognised.
    Dedup at "dedup" {
        /// Most entries that are searched for a resent message.
        entries_max: u32 = 10_000;
        /// Oldest entries, in days, that are searched for a resent message.
        age_max_days: u32 = 7;
        /// How many resent messages of a user are searched for in a second in the long run, all devices together. 0: no
        /// limit.
        searches_per_second: u32 = 20;
        /// How many of them may come at once: a device that comes back resends what it had not seen answered.
        searches_burst: u32 = 200;
    }
}

section! {
    /// Changing what was sent.
    Messages at "messages" {
        /// A message may be edited by its sender for this many seconds. 0: never.
        edit_age_max_s: u64 = 172_800;
        /// A message may be taken back by its sender for this many seconds; by the owner and admins of its group at any
        /// age. 0: never.
        revoke_age_max_s: u64 = 172_800;
    }
}

section! {
    /// How long messages are kept.
    Retention at "retention" {
        /// In conversations whose members chose nothing: "forever", "ttl" (see retention.ttl_days) or
        /// "until_delivered" (until every device of every member holds them).
        default: RetentionDefault = RetentionDefault::Forever;
        /// With retention.default = "ttl": for this many days.
        ttl_days: u32 = 30;
        /// A conversation is looked through for what it need not keep after this many new entries, or after an hour.
        drop_entries_min: u32 = 1_000;
        /// With "until_delivered": a device that was not seen for this many days holds nothing up.
        device_days: u32 = 30;
    }
}

section! {
    /// The embedded store.
    Storage at "storage" {
        /// Sends are refused while the disk has fewer free bytes than this; reads go on.
        free_bytes_min: u64 = 256 << 20;
        /// Into how many partitions users and conversations are divided, 1 to 256. Fixed when the store is made.
        partitions: u32 = 16;
        /// Memory, in bytes, for cached blocks of the store.
        cache_bytes: usize = 256 << 20;
        /// Memory, in bytes, that gathers writes before they become a file.
        write_buffer_bytes: usize = 64 << 20;
        /// Most files that the store keeps open. 0: a share of the file descriptors.
        files_max: usize = 0;
    }
}

section! {
    /// Making messages durable.
    Commit at "commit" {
        /// Most bytes that wait to be committed; beyond it new sends are refused for a moment.
        pending_bytes_max: usize = 64 << 20;
    }
}

section! {
    /// Threads that read from disk what the cache does not hold.
    Readers at "readers" {
        /// How many threads.
        threads: usize = 2;
        /// Most reads that wait for a thread; beyond it requests are refused for a while.
        queue_max: usize = 4_096;
    }
}

section! {
    /// An orderly stop, on SIGTERM or SIGINT.
    Shutdown at "shutdown" {
        /// Most milliseconds between the signal and the end.
        grace_ms: u64 = 10_000;
        /// Clients are told to come back after a random time of up to this many milliseconds.
        retry_spread_ms: u64 = 5_000;
    }
}

section! {
    /// Gateways that bring many clients over one connection.
    Trunk at "trunk" {
        /// The file with the secret that signs the tokens of gateways (HS256, audience "hubbub.trunk", at most five
        /// minutes of life): at least 32 bytes, and nobody but its owner and group may read it. When it is not set,
        /// trunks are refused. A gateway vouches for nobody: in its channels clients log in as ever. Read at start.
        #[serde(skip_serializing_if = "Option::is_none")]
        secret_file: Option<PathBuf> = None, unset "\"/etc/hubbub/trunk-secret\"";
        /// Most channels (clients) of one trunk at one time. A trunk itself counts as one connection.
        channels_per_trunk_max: u32 = 65_536;
        /// Most channels of all trunks together.
        channels_max: usize = 1 << 21;
    }
}

/// The keys of every table, in the order of the example file.
pub const KEYS: &[&[Key]] = &[
    Config::KEYS,
    Tls::KEYS,
    Http::KEYS,
    Proxy::KEYS,
    Auth::KEYS,
    Limits::KEYS,
    Sync::KEYS,
    Presence::KEYS,
    Calls::KEYS,
    Receipts::KEYS,
    Dedup::KEYS,
    Messages::KEYS,
    Retention::KEYS,
    Storage::KEYS,
    Commit::KEYS,
    Readers::KEYS,
    Shutdown::KEYS,
    Trunk::KEYS,
];

/// All keys, one after the other.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().copied().flatten()
}

/// `true` or `false`, from a variable as a text.
fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "write true or false")]
    enum Switch {
        Is(bool),
        Says(String),
    }
    match Switch::deserialize(deserializer)? {
        Switch::Is(on) => Ok(Some(on)),
        Switch::Says(text) => text.parse().map(Some).map_err(|_| serde::de::Error::custom("write true or false")),
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        serde::de::Error::custom(format!(
            "\"{text}\" is not an address with a port such as \"127.0.0.1:7400\" or \"[::]:7400\""
        ))
    })
}

/// An address, or nothing, which is an empty text.
fn address_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Ok(None) } else { address(text.into_deserializer()).map(Some) }
}

fn address_or_off<S: Serializer>(address: &Option<SocketAddr>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&address.map(|address| address.to_string()).unwrap_or_default())
}
