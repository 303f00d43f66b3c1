//! `cargo run --release -p corpus --example trial -- --requests 1000000 --seed 1`: the trial at any length. A failing
//! request is shrunk and printed with both sums, line by line. `--number N` tries that one alone.

use std::process::ExitCode;

use corpus::{Basis, Trial, Verdict};

fn main() -> ExitCode {
    let argument = |name: &str| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1).and_then(|value| value.parse::<u64>().ok())
    };
    let (requests, seed) = (argument("--requests").unwrap_or(50_000), argument("--seed").unwrap_or(1));
    let trial = Trial::new(seed);
    if let Some(number) = argument("--number") {
        println!("{}", String::from_utf8_lossy(&trial.body(number)));
        for basis in [Basis::Bytes, Basis::Counted] {
            match trial.run(number, basis, None) {
                Verdict::Above { report, .. } => println!("{basis:?}: {report}"),
                other => println!("{basis:?}: {other:?}"),
            }
        }
        return ExitCode::SUCCESS;
    }
    let tally = trial.all(0..requests, None);
    println!("{tally}");
    for above in &tally.above {
        let (number, basis) = (above.number, above.basis);
        let body = trial.shrink(number, basis);
        println!("request {number}, {basis:?}, shrunk: {}", String::from_utf8_lossy(&body));
        if let Verdict::Above { report, .. } = trial.judge_body(&body, number, basis, None) {
            println!("{report}");
        }
    }
    if tally.above.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
