//! The gateway over real sockets, between a client that speaks raw bytes and an upstream that misbehaves at will; with
//! the real ledger, journal and price book. After every scenario the ledger is asked.

mod admin;
mod answers;
mod bill;
mod byok;
mod counting;
mod downgrades;
mod evidence;
mod failures;
mod honesty;
mod hostile_clients;
mod hostile_upstreams;
mod money_errors;
mod prices;
mod refusals;
mod routes;
mod shutdown;
mod streams;
mod support;
