//! Addresses to listen on: `127.0.0.1:4747`, `localhost:4747`, `[::1]:4747`. Port 0 is any free port.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// A port of this machine's own address.
pub const fn loopback_address(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Reads one.
///
/// # Errors
/// One sentence about the text.
pub fn socket_address(text: &str) -> Result<SocketAddr, String> {
    if let Some(port) = text.strip_prefix("localhost:") {
        return port.parse().map(loopback_address).map_err(|_| format!("'{port}' is not a port"));
    }
    text.parse().map_err(|_| format!("'{text}' is not an address such as 127.0.0.1:4747"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(socket_address("localhost:80"), Ok(loopback_address(80)));
        assert_eq!(socket_address("127.0.0.1:0"), Ok(loopback_address(0)));
        assert!(socket_address("[::1]:1").unwrap().ip().is_loopback());
        for text in ["4747", "127.0.0.1", "localhost:x", "example.com:80"] {
            assert!(socket_address(text).is_err(), "{text}");
        }
    }
}
