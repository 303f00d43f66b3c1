//! A machine that processes run on: a disk that can lose what was not synced, books that can too, clocks that jump.
