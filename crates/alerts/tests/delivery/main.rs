//! Alerts against receivers on loopback: payloads, limits, signatures, outages, crashes. Real sockets, simulated time.

mod email;
mod http_channels;
mod mailserver;
mod outage;
mod receiver;
mod setting;
