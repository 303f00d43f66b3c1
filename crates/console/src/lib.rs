//! Control plane: health, readiness, budgets and explanations over HTTP.
