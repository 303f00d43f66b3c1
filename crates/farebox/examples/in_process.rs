//! Twenty calls at once under a budget of five cents, in one process with a fake OpenRouter: what was billed, and what
//! the books say.
//!
//! ```text
//! cargo run -p farebox --example in_process
//! ```

use std::error::Error;

use farebox::{Call, Durability, Farebox, Nano};
use sandbox::{Latency, Millis, Sandbox};
use serde_json::json;
use tokio::task::JoinSet;

const CALLS: usize = 20;
const BUDGET: &str = "0.05";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start("127.0.0.1:0".parse()?, settings()).await?;
    let books = tempfile::tempdir()?;
    let farebox = Farebox::builder()
        .budget(BUDGET)
        .data(books.path())
        .upstream(format!("http://{}/api/v1", sandbox.addr()))
        .upstream_key("sk-or-v1-sandbox")
        .durability(Durability::Process)
        .open()
        .await?;

    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let farebox = farebox.clone();
        calls.spawn(async move { ask(&farebox, number).await });
    }
    while let Some(line) = calls.join_next().await {
        println!("{}", line?);
    }

    let bill = sandbox.bill().total;
    let balance = farebox.balances().remove(0);
    farebox.close().await?;
    println!("\nbudget  ${}", balance.limit);
    println!("books   ${} posted, ${} held, ${} unknown", balance.posted, balance.held, balance.unknown);
    println!("bill    ${bill}");
    let billed = Nano::parse_ceil(&bill)?;
    assert!(billed <= balance.limit, "never more than the budget");
    assert!(
        billed <= balance.posted.saturating_add(balance.unknown),
        "nothing was billed that is not charged"
    );
    Ok(())
}

/// One call, and what became of it in a line.
async fn ask(farebox: &Farebox, number: usize) -> String {
    let call = Call::from(json!({
        "model": "anthropic/claude-haiku-4.5",
        "messages": [{"role": "user", "content": format!("Tell me about the number {number}.")}],
        "max_tokens": 3_000,
    }));
    match farebox.chat(call.user(&format!("user-{}", number % 3))).await {
        Ok(done) => {
            let cost = done.cost.map_or("not known yet".to_owned(), |cost| format!("${cost}"));
            format!("call {number:2}  cost {cost}, ${} was held", done.receipt.held())
        }
        Err(farebox::Error::Refused(no)) => format!("call {number:2}  refused: {}", no.sentence),
        Err(error) => format!("call {number:2}  {error}"),
    }
}

/// Answers take a moment, so that the calls meet.
fn settings() -> sandbox::Config {
    let latency = Latency { first_byte: Millis::new(100, 400), between_chunks: Millis::new(0, 2) };
    sandbox::Config { seed: 7, latency, ..sandbox::Config::default() }
}
