//! Signed webhooks, as standardwebhooks.com has them (2026-11-23): `webhook-id`, `webhook-timestamp`, and
//! `webhook-signature`, a list of `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use super::Outcome;
use super::http::{Http, Target};
use crate::Secret;
use crate::event::Event;

/// The longest body, bytes; ours is about one kilobyte.
const BODY_BYTES_MAX: usize = 20_000;
const PREFIX: &str = "whsec_";
/// The length of a secret, bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A receiver of signed JSON.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Where it listens.
    pub url: Target,
    /// What it is signed with; several while one is replaced by another.
    pub keys: Vec<SigningKey>,
}

/// A secret that both sides know.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

/// Why a text is no signing secret. Never shows it.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "it is not a signing secret: whsec_ and the base64 of 24 to 64 random bytes (openssl rand -base64 32)"
)]
pub struct SigningKeyError;

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// Reads `whsec_` and base64.
    ///
    /// # Errors
    /// When it is something else, or too short to be a secret.
    pub fn parse(text: &Secret) -> Result<Self, SigningKeyError> {
        let encoded = text.expose().strip_prefix(PREFIX).ok_or(SigningKeyError)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| SigningKeyError)?;
        if SECRET_BYTES.contains(&bytes.len()) { Ok(SigningKey(bytes)) } else { Err(SigningKeyError) }
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl Webhook {
    pub(crate) async fn send(&self, http: &Http, event: &Event, now_ms: i64) -> Outcome {
        let body = event.envelope().to_string().into_bytes();
        if body.len() >= BODY_BYTES_MAX {
            return Outcome::failed(format!(
                "the message is {} bytes long, more than a webhook may be",
                body.len()
            ));
        }
        let timestamp = now_ms.div_euclid(1_000);
        let signatures = self.keys.iter().map(|key| key.sign(&event.id, timestamp, &body));
        let Some(signatures) = signatures.collect::<Option<Vec<String>>>() else {
            return Outcome::failed("the message cannot be signed");
        };
        let mut headers =
            vec![("webhook-id", event.id.clone()), ("webhook-timestamp", timestamp.to_string())];
        if !signatures.is_empty() {
            headers.push(("webhook-signature", signatures.join(" ")));
        }
        match http.post(&self.url, &headers, body).await {
            Ok(answer) => answer.outcome(),
            Err(outcome) => outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification() {
        let key =
            SigningKey::parse(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).expect("a secret");
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body).as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }

    #[test]
    fn secrets() {
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%%"] {
            assert_eq!(SigningKey::parse(&Secret::new(text)), Err(SigningKeyError), "{text}");
        }
        let key =
            SigningKey::parse(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).expect("a secret");
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
    }
}
