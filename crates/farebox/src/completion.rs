//! [`Completion`]: an answer with its cost, and what an answer that is none means.

use admission::BalanceReport;
use bytes::Bytes;
use gateway::{Body, Outcome, Receipt};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use money::Nano;
use serde_json::Value;

use crate::{Error, Refusal};

/// A chat completion and what it cost.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The JSON, byte for byte as OpenRouter sent it.
    pub body: Bytes,
    /// What it cost, USD, by OpenRouter's own figure, rounded up to a nano-dollar. `None` where the answer did not
    /// say: then its hold stays charged until OpenRouter tells, and it is never taken for nothing.
    pub cost: Option<Nano>,
    /// OpenRouter's id for it.
    pub generation: Option<String>,
    /// Its money: the hold, the clamp, the tightest balance.
    pub receipt: Receipt,
}

impl Completion {
    /// The answer as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> serde_json::Result<Value> {
        serde_json::from_slice(&self.body)
    }

    /// What the first choice says.
    pub fn text(&self) -> Option<String> {
        let json = self.json().ok()?;
        json["choices"][0]["message"]["content"].as_str().map(str::to_owned)
    }

    /// The output cap asked for and the one sent, tokens, where it was lowered to fit the money.
    pub fn clamped(&self) -> Option<(u64, u64)> {
        self.receipt.clamped()
    }

    /// The tightest balance it is charged to, as it stood when the call was admitted.
    pub fn balance(&self) -> Option<&BalanceReport> {
        self.receipt.balance()
    }

    pub(crate) async fn read(response: Response<Body>) -> Result<Completion, Error> {
        let (parts, body) = response.into_parts();
        let receipt = body.receipt().cloned();
        let named = named(&parts.headers);
        let body = body
            .collect()
            .await
            .map_err(|error| Error::Broken { sentence: error.to_string(), receipt: receipt.clone() })?;
        let body = body.to_bytes();
        // Only what went upstream has both.
        let (true, Some(receipt)) = (parts.status.is_success(), &receipt) else {
            return Err(explain(&parts, body, receipt.as_ref()));
        };
        let cost = match receipt.outcome() {
            Outcome::Settled(cost) => Some(cost),
            _ => None,
        };
        let generation = named.or_else(|| openrouter::answer::read(&body).id);
        Ok(Completion { body, cost, generation, receipt: receipt.clone() })
    }
}

/// OpenRouter's id for a generation, where the head of its answer names one.
pub(crate) fn named(headers: &HeaderMap) -> Option<String> {
    headers.get("x-generation-id").and_then(|id| id.to_str().ok()).map(str::to_owned)
}

/// What an answer other than success means.
fn explain(parts: &http::response::Parts, body: Bytes, receipt: Option<&Receipt>) -> Error {
    let status = parts.status;
    let sentence = sentence(&body);
    let code = parts.headers.get("x-farebox-reason").and_then(|code| code.to_str().ok());
    let receipt_kept = receipt.cloned();
    let Some(code) = code.map(str::to_owned) else {
        return Error::Upstream { status, sentence, body, receipt: receipt_kept };
    };
    if let Some(refusal) = Refusal::read(&code, &sentence, receipt) {
        return Error::Refused(Box::new(refusal));
    }
    match receipt.map(Receipt::outcome) {
        Some(Outcome::Voided | Outcome::Unknown(_) | Outcome::Settled(_)) => {
            match code.starts_with("openrouter-") {
                true => Error::Upstream { status, sentence, body, receipt: receipt_kept },
                false => Error::Broken { sentence, receipt: receipt_kept },
            }
        }
        _ if status == StatusCode::PAYMENT_REQUIRED => Error::Unbounded { code, sentence },
        _ if status.is_server_error() => Error::NotNow { code, sentence },
        _ => Error::Invalid { code, sentence },
    }
}

/// The message in an error's body.
fn sentence(body: &[u8]) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = json["error"]["message"].as_str().or_else(|| json["message"].as_str());
    message.map_or_else(|| "it gave no reason".to_owned(), str::to_owned)
}

/// What a response that was to be a stream is, when it is none.
pub(crate) async fn not_a_stream(response: Response<Body>) -> Error {
    match Completion::read(response).await {
        Err(error) => error,
        Ok(completion) => Error::Upstream {
            status: StatusCode::OK,
            sentence: "it did not answer with a stream".to_owned(),
            receipt: Some(completion.receipt),
            body: completion.body,
        },
    }
}
