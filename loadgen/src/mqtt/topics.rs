//! Conversations as topics: `hubbub-load/RUN/c/KEY`, both in hexadecimal; and clients as client ids.

/// Bytes of a topic's part for the conversation.
const KEY_DIGITS: usize = 16;

/// The names of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    run_id: u64,
    prefix: String,
}

impl Topics {
    /// Those of the run `run_id`.
    #[must_use]
    pub fn new(run_id: u64) -> Self {
        Self { run_id, prefix: format!("hubbub-load/{run_id:016x}/c/") }
    }

    /// The topic of a conversation.
    #[must_use]
    pub fn topic(&self, key: u64) -> String {
        format!("{}{key:016x}", self.prefix)
    }

    /// Bytes of every topic.
    #[must_use]
    pub fn topic_bytes(&self) -> usize {
        self.prefix.len() + KEY_DIGITS
    }

    /// The conversation of a topic; `None` for one of somebody else.
    #[must_use]
    pub fn key(&self, topic: &[u8]) -> Option<u64> {
        let digits = topic.strip_prefix(self.prefix.as_bytes()).filter(|digits| digits.len() == KEY_DIGITS)?;
        let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
        u64::from_str_radix(digits, 16).ok()
    }

    /// A client's id: at most 23 letters and digits, which is what every broker must take (MQTT 3.1.1, 3.1.3.1).
    #[must_use]
    pub fn client_id(&self, client: u32) -> String {
        format!("hl{}{:0>7}", base_36(self.run_id, 13), base_36(client.into(), 0))
    }
}

/// A number in letters and digits, with zeros in front up to `digits_min`.
fn base_36(mut number: u64, digits_min: usize) -> String {
    let mut digits = Vec::new();
    while number > 0 || digits.len() < digits_min.max(1) {
        let digit = (number % 36) as u32;
        digits.push(char::from_digit(digit, 36).expect("a digit of base 36"));
        number /= 36;
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_names_its_conversation_and_no_other_run() {
        let topics = Topics::new(0x5eed);
        let topic = topics.topic(7 << 32 | 9);
        assert_eq!(topic, "hubbub-load/0000000000005eed/c/0000000700000009");
        assert_eq!(topic.len(), topics.topic_bytes());
        assert_eq!(topics.key(topic.as_bytes()), Some(7 << 32 | 9));
        assert_eq!(Topics::new(1).key(topic.as_bytes()), None);
        for other in ["", "hubbub-load/0000000000005eed/c/7", "hubbub-load/0000000000005eed/c/+00000070000000a"] {
            assert_eq!(topics.key(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn client_ids_are_what_every_broker_must_take_and_differ() {
        let topics = Topics::new(u64::MAX);
        let ids = [0, 35, 36, 9_999_999, u32::MAX].map(|client| topics.client_id(client));
        for id in &ids {
            assert!(id.len() <= 23 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        }
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
        assert_ne!(Topics::new(1).client_id(0), topics.client_id(0));
    }
}
