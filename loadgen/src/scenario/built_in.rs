//! The built-in scenarios: files like any other, embedded as they are, comments included.

/// The built-in scenarios: name and text.
pub const BUILT_IN: [(&str, &str); 12] = [
    ("idle", include_str!("../../scenarios/idle.toml")),
    ("direct", include_str!("../../scenarios/direct.toml")),
    ("group", include_str!("../../scenarios/group.toml")),
    ("group-10", include_str!("../../scenarios/group-10.toml")),
    ("group-100", include_str!("../../scenarios/group-100.toml")),
    ("group-1000", include_str!("../../scenarios/group-1000.toml")),
    ("group-10000", include_str!("../../scenarios/group-10000.toml")),
    ("mixed", include_str!("../../scenarios/mixed.toml")),
    ("presence", include_str!("../../scenarios/presence.toml")),
    ("offline", include_str!("../../scenarios/offline.toml")),
    ("storm", include_str!("../../scenarios/storm.toml")),
    ("chaos", include_str!("../../scenarios/chaos.toml")),
];

/// The text of a built-in scenario.
#[must_use]
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The names of all, in the order in which they are listed.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}
