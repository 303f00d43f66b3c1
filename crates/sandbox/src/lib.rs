//! A faithful OpenRouter to run against: prices, errors, faults, its own books.
