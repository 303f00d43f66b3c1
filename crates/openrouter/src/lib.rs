//! The wire: request bodies, SSE scanning, usage, errors, HTTP client, catalogue fetch and cache.
