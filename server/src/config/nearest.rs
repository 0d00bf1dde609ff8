//! Finds the key that somebody most likely meant.

use super::schema::keys;

/// The known key nearest to `path`, when it is near enough to be a slip of the hand or a wrong table.
pub(super) fn nearest_key(path: &str) -> Option<String> {
    let name = last(path);
    keys()
        .map(|key| key.path())
        .map(|known| (distance(path, &known).min(distance(name, last(&known)) + 1), known))
        .min()
        .filter(|(distance, _)| *distance <= 1 + name.len() / 4)
        .map(|(_, known)| known)
}

/// The known table nearest to `name`.
pub(super) fn nearest_section(name: &str) -> Option<String> {
    keys()
        .filter(|key| !key.section.is_empty())
        .map(|key| (distance(name, key.section), key.section))
        .min()
        .filter(|(distance, _)| *distance <= 2)
        .map(|(_, section)| section.to_owned())
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Edit distance (Levenshtein) in characters: insertions, deletions and substitutions.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("same", "same", 0)] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn slips_are_recognised_and_nonsense_is_not() {
        for (written, meant) in [
            ("limits.frame_byte_max", Some("limits.frame_bytes_max")),
            ("frame_bytes_max", Some("limits.frame_bytes_max")),
            ("data-dir", Some("data_dir")),
            ("shard", Some("shards")),
            ("storage.colour", None),
        ] {
            assert_eq!(nearest_key(written).as_deref(), meant, "{written}");
        }
        assert_eq!(nearest_section("limit").as_deref(), Some("limits"));
        assert_eq!(nearest_section("telemetry"), None);
    }
}
