//! Price book rows, the shape of a request, its bound. Pure.
