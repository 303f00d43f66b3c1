//! Data plane: authenticate, shape, forward with a permit, relay.
