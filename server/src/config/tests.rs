//! Where values come from, what is refused, and what the refusal says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

fn load(file: Option<&str>, environment: &[(&str, &str)], overrides: Overrides) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hubbub.toml");
    let file = file.map(|text| {
        fs::write(&path, text).unwrap();
        path
    });
    let environment = environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Sources { file, environment, overrides }.load().map_err(|problems| problems.to_string())
}

fn from_file(text: &str) -> Result<Config, String> {
    load(Some(text), &[], Overrides::default())
}

// ---- Sources -----------------------------------------------------------------------------------------------------

#[test]
fn nothing_means_the_defaults() {
    assert_eq!(load(None, &[], Overrides::default()), Ok(Config::default()));
    assert_eq!(from_file(""), Ok(Config::default()));
}

#[test]
fn each_source_overrides_the_one_before() {
    let flag = Overrides { shards: Some(4), ..Overrides::default() };
    let variable = [("HUBBUB_SHARDS", "3")];
    for (file, environment, overrides, shards) in [
        (None, &[][..], Overrides::default(), 0),
        (Some("shards = 2"), &[][..], Overrides::default(), 2),
        (Some("shards = 2"), &variable[..], Overrides::default(), 3),
        (Some("shards = 2"), &variable[..], flag.clone(), 4),
        (None, &variable[..], flag, 4),
    ] {
        assert_eq!(load(file, environment, overrides).unwrap().shards, shards);
    }
}

#[test]
fn every_key_can_be_set_by_its_variable() {
    for key in keys() {
        let value = match key.path().as_str() {
            "listen" | "metrics_listen" | "tls.listen" | "http.listen" | "http.tls_listen" => "127.0.0.1:9",
            "plaintext_behind_proxy" => "true",
            "durability" => "none",
            "auth.create_users" | "http.page" => "false",
            "auth.registration" => "true",
            "retention.default" => "until_delivered",
            _ => "123",
        };
        let config = load(None, &[(&key.variable(), value)], Overrides::default()).unwrap();
        assert_ne!(config, Config::default(), "{}", key.variable());
    }
}

#[test]
fn an_origin_is_written_as_browsers_write_it() {
    for (origin, is_one) in [
        ("https://chat.example", true),
        ("http://10.0.0.1:8080", true),
        ("chat.example", false),
        ("https://chat.example/", false),
        ("https://*.example", false),
        ("https://", false),
    ] {
        let mut config = Config::default();
        config.http.origins = vec![origin.to_owned()];
        let problems = config.value_problems();
        assert_eq!(problems.is_empty(), is_one, "{origin}: {problems:?}");
    }
}

#[test]
fn strangers_may_register_where_only_this_machine_connects_unless_it_is_said() {
    let open = |listen: &str, said: Option<bool>| {
        let mut config = Config { listen: Some(listen.parse().unwrap()), ..Config::default() };
        config.auth.registration = said;
        config.is_open_to_strangers()
    };
    assert!(open("127.0.0.1:7400", None) && open("[::1]:7400", None) && !open("0.0.0.0:7400", None));
    assert!(!open("127.0.0.1:7400", Some(false)) && open("0.0.0.0:7400", Some(true)));
    let set = |text| load(None, &[("HUBBUB_AUTH__REGISTRATION", text)], Overrides::default());
    assert_eq!(set("false").unwrap().auth.registration, Some(false));
    assert!(set("perhaps").is_err());
}

#[test]
fn a_list_is_written_with_commas_in_a_variable() {
    for (text, expected) in [("", &[][..]), ("chat", &["chat"]), ("chat, talk ,", &["chat", "talk"])] {
        let config = load(None, &[("HUBBUB_AUTH__JWT_AUDIENCE", text)], Overrides::default()).unwrap();
        assert_eq!(config.auth.jwt_audience, expected, "{text}");
    }
}

#[test]
fn variables_are_named_after_their_keys() {
    let variables: Vec<String> = keys().map(Key::variable).collect();
    for name in ["HUBBUB_DATA_DIR", "HUBBUB_LISTEN", "HUBBUB_LIMITS__FRAME_BYTES_MAX", "HUBBUB_AUTH__TOKEN_SECRET_FILE"]
    {
        assert!(variables.iter().any(|variable| variable == name), "{name}");
    }
}

#[test]
fn variables_that_are_not_ours_are_passed_over() {
    let environment = [("HUBBUB_PORT", "tcp://10.0.0.1:7400"), ("HUBBUB_CONFIG", "x"), ("PATH", "/bin")];
    assert_eq!(load(None, &environment, Overrides::default()), Ok(Config::default()));
}

#[test]
fn malformed_sources_are_refused_with_the_way_out() {
    let file = |text: &'static str, parts: &'static [&'static str]| (Some(text), None, parts);
    let variable =
        |name: &'static str, value: &'static str, parts: &'static [&'static str]| (None, Some((name, value)), parts);
    for (file, variable, parts) in [
        file("shard = 2", &["hubbub.toml:1", "unknown key shard", "did you mean shards?"]),
        file(
            "\n\n[limits]\nframe_byte_max = 1",
            &["hubbub.toml:4", "limits.frame_byte_max", "limits.frame_bytes_max?"],
        ),
        file("frame_bytes_max = 1", &["did you mean limits.frame_bytes_max?"]),
        file("[limit]\nframe_bytes_max = 1", &["hubbub.toml:1", "unknown table [limit]", "did you mean [limits]?"]),
        file("[telemetry]\n", &["unknown table [telemetry]", "hubbub.example.toml"]),
        file("limits.colour = 1", &["unknown key limits.colour", "remove it"]),
        file("shard = 2\n[sync]\nentry_max = 1", &["2 problems", "shards?", "sync.entries_max?"]),
        file("shards = \"two\"", &["line 1, column 10", "invalid type"]),
        file("[limits]\nkeepalive_ms = -1", &["line 2", "keepalive_ms"]),
        file("shards = 2\nshards = 3", &["duplicate key", "line 2"]),
        file("durability = \"maybe\"", &["maybe", "fsync"]),
        file("listen = \"localhost\"", &["\"localhost\" is not an address", "127.0.0.1:7400"]),
        file("limits = 3", &["invalid type", "line 1"]),
        file("shards = ", &["line 1"]),
        variable("HUBBUB_SHARDS", "two", &["HUBBUB_SHARDS = two", "whole number"]),
        variable("HUBBUB_SHARDS", "-2", &["HUBBUB_SHARDS = -2"]),
        variable("HUBBUB_AUTH__CREATE_USERS", "yes", &["HUBBUB_AUTH__CREATE_USERS = yes", "true or false"]),
        variable("HUBBUB_LISTEN", "7400", &["HUBBUB_LISTEN = 7400", "is not an address"]),
        variable("HUBBUB_LIMITS__FRAME_BYTE_MAX", "1", &["did you mean HUBBUB_LIMITS__FRAME_BYTES_MAX?"]),
    ] {
        let error = load(file, variable.as_slice(), Overrides::default()).unwrap_err();
        parts.iter().for_each(|part| assert!(error.contains(part), "{file:?} {variable:?}: {part}\n{error}"));
    }
}

#[test]
fn a_missing_file_is_named() {
    let sources = Sources { file: Some("/nonexistent/hubbub.toml".into()), ..Sources::default() };
    let error = sources.load().unwrap_err().to_string();
    assert!(error.contains("/nonexistent/hubbub.toml") && error.contains("--config"), "{error}");
}

// ---- The example -------------------------------------------------------------------------------------------------

#[test]
fn the_example_file_says_the_defaults() {
    assert_eq!(from_file(&example()), Ok(Config::default()));
    for key in keys() {
        assert!(example().contains(&format!("{} = ", key.name)), "{}", key.path());
    }
}

#[test]
fn the_committed_example_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/hubbub.example.toml");
    if std::env::var_os("UPDATE_EXAMPLE").is_some() {
        fs::write(&path, example()).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert!(committed == example(), "run the tests once with UPDATE_EXAMPLE=1 and commit deploy/hubbub.example.toml");
}

#[test]
fn what_is_in_effect_can_be_used_as_a_file() {
    let mut config = Config { durability: Durability::None, shards: 3, listen: None, ..Config::default() };
    config.auth.token_secret_file = Some("/etc/a \"b\"".into());
    assert_eq!(from_file(&effective(&config)), Ok(config));
}

// ---- Validation --------------------------------------------------------------------------------------------------

#[test]
fn the_defaults_are_sound() {
    assert_eq!(Config::default().value_problems(), []);
}

#[test]
fn impossible_values_are_refused_with_the_way_out() {
    for (text, parts) in [
        (
            "limits.body_bytes_max = 64_513",
            &["limits.body_bytes_max = 64513", "65536", "lower it to 64512", "65537"][..],
        ),
        ("limits.frame_bytes_max = 16_777_217", &["limits.frame_bytes_max = 16777217", "at most 16777216"]),
        ("limits.frame_bytes_max = 0", &["limits.frame_bytes_max = 0", "at least 1025"]),
        ("shards = 17", &["shards = 17", "storage.partitions is 16", "lower it to 16"]),
        ("storage.partitions = 257", &["storage.partitions = 257", "at most 256"]),
        ("storage.partitions = 0", &["storage.partitions = 0", "at least 1"]),
        ("limits.group_members_max = 1", &["limits.group_members_max = 1", "at least 2"]),
        ("limits.requests_in_progress_max = 0", &["at least 1"]),
        ("limits.connection_outbound_bytes_max = 65_536", &["raise it to at least 65540"]),
        ("limits.outbound_bytes_max = 1000", &["limits.outbound_bytes_max = 1000", "at least 262144"]),
        ("limits.login_deadline_ms = 0", &["limits.login_deadline_ms = 0"]),
        ("limits.keepalive_ms = 86_400_001", &["at most 86400000"]),
        ("limits.connections_max = 10\nlimits.connections_unauthenticated_max = 11", &["limits.connections_max is 10"]),
        ("auth.password_chars_min = 7", &["auth.password_chars_min = 7", "at least 8"]),
        ("auth.password_chars_min = 129", &["at most 128"]),
        ("auth.hash_threads = 0", &["auth.hash_threads = 0"]),
        ("auth.hash_queue_max = 0", &["auth.hash_queue_max = 0"]),
        ("auth.session_token_days = 0", &["auth.session_token_days = 0"]),
        ("limits.address_logins_burst = 0", &["limits.address_logins_burst = 0"]),
        ("sync.entries_max = 0", &["sync.entries_max = 0"]),
        ("dedup.entries_max = 0", &["dedup.entries_max = 0"]),
        ("dedup.age_max_days = 0", &["dedup.age_max_days = 0"]),
        ("storage.free_bytes_min = 0", &["storage.free_bytes_min = 0"]),
        ("storage.cache_bytes = 1000", &["storage.cache_bytes = 1000", "1048576"]),
        ("storage.files_max = 3", &["storage.files_max = 3", "at least 64"]),
        ("commit.pending_bytes_max = 1", &["commit.pending_bytes_max = 1", "65536"]),
        ("readers.threads = 0", &["readers.threads = 0"]),
        ("readers.queue_max = 0", &["readers.queue_max = 0"]),
        ("shutdown.grace_ms = 0", &["shutdown.grace_ms = 0"]),
        ("metrics_listen = \"127.0.0.1:7400\"", &["metrics_listen = \"127.0.0.1:7400\"", "another port"]),
        ("metrics_listen = \"0.0.0.0:7400\"", &["another port"]),
        ("listen = \"0.0.0.0:7400\"", &["listen = \"0.0.0.0:7400\"", "auth.token_secret_file", "127.0.0.1"]),
        ("listen = \"[::]:7400\"", &["auth.token_secret_file", "auth.jwks_file"]),
        ("listen = \"0.0.0.0:7400\"", &["tokens, passwords", "tls.listen", "--plaintext-behind-proxy"]),
        (
            "tls.listen = \"127.0.0.1:7401\"",
            &["tls.listen = \"127.0.0.1:7401\"", "tls.certificate_file and tls.key_file"],
        ),
        ("tls.certificate_file = \"c\"", &["tls.key_file", "tls.certificate_file is set", "set both or none"]),
        ("tls.key_file = \"k\"", &["tls.certificate_file", "tls.key_file is set"]),
        ("http.listen = \"0.0.0.0:7400\"", &["http.listen = \"0.0.0.0:7400\"", "(listen)", "--plaintext-behind-proxy"]),
        ("listen = \"\"\nhttp.listen = \"\"", &["nobody could connect"]),
        ("http.tls_listen = \"127.0.0.1:7403\"", &["http.tls_listen = \"127.0.0.1:7403\"", "tls.key_file"]),
        ("proxy.trusted = [\"10.0.0.1\", \"proxy\"]", &["proxy.trusted = [\"proxy\"]", "10.0.0.0/8"]),
        ("tls.listen = \"127.0.0.1:7480\"", &["metrics_listen", "(tls.listen)", "another port"]),
    ] {
        let problems = Problems(from_file(text).unwrap().value_problems()).to_string();
        parts.iter().for_each(|part| assert!(problems.contains(part), "{text}: {part}\n{problems}"));
    }
}

#[test]
fn unusual_but_possible_values_are_accepted() {
    for text in [
        "listen = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:0\"",
        "listen = \"[::1]:7400\"",
        "listen = \"\"",
        "http.listen = \"\"",
        "listen = \"0.0.0.0:7400\"\nplaintext_behind_proxy = true\nauth.token_secret_file = \"/etc/hubbub/secret\"",
        "listen = \"0.0.0.0:7400\"\nplaintext_behind_proxy = true\nauth.jwks_file = \"/etc/hubbub/jwks.json\"",
        "tls.listen = \"0.0.0.0:7401\"\ntls.certificate_file = \"c\"\ntls.key_file = \"k\"\nauth.jwt_key_files = [\"/etc/key.pem\"]",
        "limits.address_logins_per_minute = 0",
        "metrics_listen = \"0.0.0.0:7480\"",
        "limits.frame_bytes_max = 16_777_216\nlimits.connection_outbound_bytes_max = 20_000_000\n\
         limits.user_bytes_burst = 16_777_216",
        "shards = 256\nstorage.partitions = 256",
        "shutdown.retry_spread_ms = 0",
        "limits.body_bytes_max = 64_512",
    ] {
        assert_eq!(from_file(text).unwrap().value_problems(), [], "{text}");
    }
}

#[test]
fn all_problems_are_found_at_once() {
    let text = "shards = 99\nlisten = \"0.0.0.0:1\"\n[limits]\nkeepalive_ms = 0\n[readers]\nthreads = 65";
    assert_eq!(from_file(text).unwrap().value_problems().len(), 5);
}

#[test]
fn validation_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    for data_dir in [dir.path().to_owned(), dir.path().join("new/and/deep")] {
        Config { data_dir, ..Config::default() }.validate().unwrap();
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_data_directory_that_cannot_be_written_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for (data_dir, part) in [
        (dir.path().join("file"), "is not a directory"),
        (dir.path().join("file/inside"), "is not a directory"),
        ("/proc/hubbub".into(), "/proc cannot be written"),
        ("".into(), "name a directory"),
    ] {
        let shown = format!("data_dir = \"{}\"", data_dir.display());
        let error = Config { data_dir, ..Config::default() }.validate().unwrap_err().to_string();
        assert!(error.contains(&shown) && error.contains(part), "{part}\n{error}");
    }
}

#[test]
fn an_unusable_secret_is_refused_before_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    let mut config = Config { data_dir: dir.path().join("data"), ..Config::default() };
    config.auth.token_secret_file = Some(path.clone());
    let refusal = |config: &Config| config.validate().unwrap_err().to_string();

    assert!(refusal(&config).contains("there is no such file"));
    fs::write(&path, "short").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(refusal(&config).contains("at least 32"));
    fs::write(&path, "0123456789abcdef0123456789abcdef").unwrap();
    assert_eq!(config.validate(), Ok(()));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let text = refusal(&config);
    assert!(text.contains(&format!("chmod 600 {}", path.display())) && text.contains("644"), "{text}");
    assert!(!text.contains("0123456789abcdef"), "a refusal shows no secret");
}

#[test]
fn unusable_key_files_are_refused_before_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let (secret, missing) = (dir.path().join("secret"), dir.path().join("jwks.json"));
    fs::write(&secret, "0123456789abcdef0123456789abcdef").unwrap();
    let mut config = Config { data_dir: dir.path().join("data"), ..Config::default() };
    config.auth.jwt_key_files = vec![secret.clone()];
    config.auth.jwks_file = Some(missing.clone());
    let text = config.validate().unwrap_err().to_string();
    for part in [
        "2 problems",
        &format!("auth.jwt_key_files = \"{}\"", secret.display()),
        &format!("auth.jwks_file = \"{}\"", missing.display()),
        "openssl pkey",
        "no such file",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("0123456789abcdef"), "a refusal shows no secret");
}

#[test]
fn a_secret_is_made_only_where_nobody_else_signs() {
    let mut config = Config { data_dir: "/srv".into(), ..Config::default() };
    assert_eq!(config.token_secret_path(), Some("/srv/token-secret".into()));
    config.auth.jwks_file = Some("/etc/jwks.json".into());
    assert_eq!(config.token_secret_path(), None);
    config.auth.token_secret_file = Some("/etc/secret".into());
    assert_eq!(config.token_secret_path(), Some("/etc/secret".into()));
}

#[test]
fn shards_are_never_more_than_partitions() {
    let mut config = Config::default();
    config.storage.partitions = 1;
    assert_eq!(config.shards_count(), 1);
    config.shards = 1;
    assert_eq!(config.shards_count(), 1);
}
