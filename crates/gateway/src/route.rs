//! Which path is what. Three prefixes mean the same (CLIENTS.md 1.1); everything that could spend and is not
//! metered has no route.

use http::Method;

/// The longest first.
const PREFIXES: [&str; 3] = ["/openrouter.ai/api/v1", "/api/v1", "/v1"];
const BASES: [&str; 5] = ["/", "/api", "/api/v1", "/v1", "/openrouter.ai/api/v1"];
/// Reads that pass through to the upstream, by exact path or, with a slash at the end, by prefix.
const READS: [&str; 7] =
    ["/models", "/models/", "/endpoints/zdr", "/providers", "/generation", "/key", "/credits"];
/// Account administration: reads and changes, none of which can spend; written the same way.
const ADMIN: [&str; 7] =
    ["/keys", "/keys/", "/guardrails", "/guardrails/", "/workspaces", "/workspaces/", "/activity"];

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<'p> {
    /// `HEAD` or `GET` on a base path: somebody looks whether we are there.
    Base,
    /// The one way to spend.
    Chat,
    /// A read, with its path below the upstream's base.
    Read(&'p str),
    /// Account administration with the caller's own management key, with its path below the upstream's base.
    Admin(&'p str),
    /// A path that exists for another method.
    WrongMethod,
    /// A way to spend that is not metered.
    Unmetered,
    /// Nothing is there.
    Nowhere,
    /// A path that two readers may read differently.
    Crooked,
}

impl<'p> Route<'p> {
    pub(crate) fn of(method: &Method, path: &'p str) -> Self {
        if path.contains("..") || path.contains("//") || path.contains('%') || path.contains('\\') {
            return Route::Crooked;
        }
        let reading = matches!(*method, Method::GET | Method::HEAD);
        let trimmed = if path.len() > 1 { path.strip_suffix('/').unwrap_or(path) } else { path };
        if BASES.contains(&trimmed) {
            return if reading { Route::Base } else { Route::WrongMethod };
        }
        let below = PREFIXES.iter().find_map(|prefix| trimmed.strip_prefix(prefix));
        let Some(below) = below.filter(|below| below.starts_with('/')) else {
            return if *method == Method::POST { Route::Unmetered } else { Route::Nowhere };
        };
        let below = if below == "/auth/key" { "/key" } else { below };
        match below {
            "/chat/completions" if *method == Method::POST => Route::Chat,
            "/chat/completions" => Route::WrongMethod,
            _ if is_among(&ADMIN, below) => Route::Admin(below),
            _ if is_among(&READS, below) => {
                if reading {
                    Route::Read(below)
                } else {
                    Route::Unmetered
                }
            }
            _ if reading => Route::Nowhere,
            _ => Route::Unmetered,
        }
    }
}

/// Whether a request may cost money, or change who may spend it: everything but the reads of [`crate::Gateway`].
/// Layers that pass requests on ask this first.
pub fn may_spend(method: &Method, path: &str) -> bool {
    let reading = matches!(*method, Method::GET | Method::HEAD);
    !(reading
        && matches!(Route::of(method, path), Route::Read(_) | Route::Admin(_) | Route::Base | Route::Nowhere))
}

fn is_among(paths: &[&str], below: &str) -> bool {
    paths.iter().any(|path| match path.strip_suffix('/') {
        Some(_) => below.starts_with(path),
        None => below == *path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes() {
        for (method, path, route) in [
            (Method::POST, "/api/v1/chat/completions", Route::Chat),
            (Method::POST, "/v1/chat/completions", Route::Chat),
            (Method::POST, "/v1/chat/completions/", Route::Chat),
            (Method::POST, "/openrouter.ai/api/v1/chat/completions", Route::Chat),
            (Method::GET, "/v1/chat/completions", Route::WrongMethod),
            (Method::HEAD, "/api", Route::Base),
            (Method::HEAD, "/api/v1/", Route::Base),
            (Method::GET, "/", Route::Base),
            (Method::POST, "/", Route::WrongMethod),
            (Method::GET, "/v1/models", Route::Read("/models")),
            (
                Method::GET,
                "/v1/models/openai/gpt-4o/endpoints",
                Route::Read("/models/openai/gpt-4o/endpoints"),
            ),
            (Method::GET, "/v1/endpoints/zdr", Route::Read("/endpoints/zdr")),
            (Method::GET, "/v1/endpoints", Route::Nowhere),
            (Method::GET, "/api/v1/auth/key", Route::Read("/key")),
            (Method::GET, "/api/v1/keys", Route::Admin("/keys")),
            (Method::POST, "/api/v1/keys", Route::Admin("/keys")),
            (Method::PATCH, "/api/v1/keys/abc", Route::Admin("/keys/abc")),
            (
                Method::POST,
                "/v1/guardrails/1/assignments/keys",
                Route::Admin("/guardrails/1/assignments/keys"),
            ),
            (Method::PUT, "/v1/workspaces/w/budgets/daily", Route::Admin("/workspaces/w/budgets/daily")),
            (Method::GET, "/v1/activity", Route::Admin("/activity")),
            (Method::POST, "/api/v1/keysx", Route::Unmetered),
            (Method::POST, "/api/v1/auth/keys", Route::Unmetered),
            (Method::POST, "/api/v1/credits", Route::Unmetered),
            (Method::POST, "/api/v1/endpoints/zdr", Route::Unmetered),
            (Method::POST, "/api/v1/embeddings", Route::Unmetered),
            (Method::POST, "/chat/completions", Route::Unmetered),
            (Method::POST, "/v1chat/completions", Route::Unmetered),
            (Method::DELETE, "/api/v1/keys/abc", Route::Admin("/keys/abc")),
            (Method::GET, "/api/v1/models/../keys", Route::Crooked),
            (Method::GET, "/api/v1/models/%2e%2e/keys", Route::Crooked),
            (Method::POST, "/api/v1//chat/completions", Route::Crooked),
            (Method::GET, "/favicon.ico", Route::Nowhere),
        ] {
            assert_eq!(Route::of(&method, path), route, "{method} {path}");
        }
    }

    #[test]
    fn what_may_spend_is_never_passed_on() {
        for (method, path, may) in [
            (Method::POST, "/api/v1/chat/completions", true),
            (Method::POST, "/api/v1/embeddings", true),
            (Method::POST, "/api/v1/models", true),
            (Method::PUT, "/somewhere", true),
            (Method::CONNECT, "", true),
            (Method::OPTIONS, "/api/v1/chat/completions", true),
            (Method::GET, "/api/v1/%6bey", true),
            (Method::DELETE, "/api/v1/keys/abc", true),
            (Method::GET, "/api/v1/models", false),
            (Method::HEAD, "/api/v1", false),
            (Method::GET, "/api/v1/keys", false),
            (Method::GET, "/favicon.ico", false),
        ] {
            assert_eq!(may_spend(&method, path), may, "{method} {path}");
        }
    }
}
