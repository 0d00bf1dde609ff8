//! Flags that say what the clients speak.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::engine::plan::Protocol;
use crate::mqtt::{PACKET_BYTES_MAX, Version};
use crate::scenario::Scenario;

/// Bytes of a packet that are not the body, at most.
const OVERHEAD_BYTES_MAX: usize = 1_024;

/// A protocol by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ProtocolName {
    /// Hubbub's own.
    #[default]
    Hubbub,
    /// MQTT at QoS 1, to compare another broker.
    Mqtt,
}

/// What the clients speak.
#[derive(Debug, Clone, Default, Args)]
pub struct ProtocolArgs {
    /// What the clients speak. With `mqtt`, each conversation is a topic of an MQTT broker (QoS 1, persistent sessions);
    /// what MQTT cannot do is left out and counted.
    #[arg(long, value_enum, default_value_t)]
    pub protocol: ProtocolName,

    /// Which MQTT.
    #[arg(long, value_enum, default_value_t)]
    pub mqtt_version: Version,

    /// As whom all clients log in to the MQTT broker.
    #[arg(long, value_name = "USER")]
    pub mqtt_user: Option<String>,

    /// The file that holds that user's password.
    #[arg(long, value_name = "FILE", requires = "mqtt_user")]
    pub mqtt_password_file: Option<PathBuf>,
}

impl ProtocolArgs {
    /// For a plan.
    ///
    /// # Errors
    /// When the protocol cannot carry the scenario.
    pub fn protocol(&self, scenario: &Scenario) -> anyhow::Result<Protocol> {
        match self.protocol {
            ProtocolName::Hubbub => {
                anyhow::ensure!(self.mqtt_user.is_none(), "--mqtt-user needs --protocol mqtt");
                Ok(Protocol::Hubbub)
            }
            ProtocolName::Mqtt => {
                let payload_bytes_max = PACKET_BYTES_MAX - OVERHEAD_BYTES_MAX;
                let fits = scenario.body.bytes_max() as usize <= payload_bytes_max;
                anyhow::ensure!(fits, "with --protocol mqtt a message has at most {payload_bytes_max} bytes");
                Ok(Protocol::Mqtt { version: self.mqtt_version, user: self.mqtt_user.clone() })
            }
        }
    }

    /// Where its servers listen unless told otherwise.
    #[must_use]
    pub fn server_default(&self) -> &'static str {
        match self.protocol {
            ProtocolName::Hubbub => "127.0.0.1:7400",
            ProtocolName::Mqtt => "127.0.0.1:1883",
        }
    }

    /// The file with the secret of a run, given the one with Hubbub's token secret; an empty path: there is no secret.
    #[must_use]
    pub fn secret_file(&self, token_secret: &std::path::Path) -> PathBuf {
        match self.protocol {
            ProtocolName::Hubbub => token_secret.to_owned(),
            ProtocolName::Mqtt => self.mqtt_password_file.clone().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::run::Request;

    fn request(words: &str) -> anyhow::Result<Request> {
        let cli = Cli::try_parse_from(["hubbub-load", "run"].into_iter().chain(words.split(' ')))?;
        match cli.command {
            Command::Run(arguments) => arguments.target.request(arguments.load.scenario(&arguments.scenario)?),
            _ => unreachable!("the words begin with run"),
        }
    }

    #[test]
    fn an_mqtt_broker_has_its_own_port_and_neither_secret_nor_metrics() {
        let request = request("direct --protocol mqtt --mqtt-version 3.1.1").unwrap();
        assert_eq!(request.plan.server.port(), 1883);
        assert_eq!(request.plan.protocol, Protocol::Mqtt { version: Version::V3, user: None });
        assert_eq!((request.secret_file, request.metrics), (PathBuf::new(), None));
    }

    #[test]
    fn a_password_file_is_the_secret() {
        let request = request("direct --protocol mqtt --mqtt-user ann --mqtt-password-file p").unwrap();
        assert_eq!(request.plan.protocol, Protocol::Mqtt { version: Version::V5, user: Some("ann".into()) });
        assert_eq!(request.secret_file, PathBuf::from("p"));
    }

    #[test]
    fn hubbub_is_what_is_spoken_unless_told_otherwise() {
        let request = request("direct").unwrap();
        assert_eq!((request.plan.protocol, request.plan.server.port()), (Protocol::Hubbub, 7400));
        assert!(request.metrics.is_some());
    }

    #[test]
    fn flags_that_do_not_fit_are_refused() {
        for words in [
            "direct --mqtt-user ann",
            "direct --protocol mqtt --mqtt-password-file p",
            "direct --protocol mqtt --payload-bytes 2000000",
            "direct --protocol mqtt --mqtt-version 4",
        ] {
            assert!(request(words).is_err(), "{words}");
        }
    }
}
