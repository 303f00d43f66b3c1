//! Why a request cannot be estimated, with a way out where there is one.

use pricing::Unpriced;

use super::fields;
use crate::failure::Failure;

/// A failure with its hint.
pub(super) fn refused(unpriced: &Unpriced) -> Failure {
    let failure = Failure::failed(unpriced.to_string());
    let known = match unpriced {
        Unpriced::WebSearch(_) => Some(
            "searches that are capped: \"plugins\": [{\"id\": \"web\"}], or the tool openrouter:web_search with \"engine\": \"exa\""
                .to_owned(),
        ),
        Unpriced::UnknownField(field) => fields::hint(field),
        _ => None,
    };
    failure.hint(known.unwrap_or_else(|| match unpriced.allowed_by() {
        Some(how) => {
            format!("a gateway refuses it as well; who wants it all the same can {how}, in farebox.toml")
        }
        None => "what cannot be bounded beforehand cannot be estimated, and a gateway refuses it".to_owned(),
    }))
}
