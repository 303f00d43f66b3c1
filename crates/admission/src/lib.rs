//! reserve -> journal -> permit -> settle -> resolve, in the one right order. Runtime-free.
