//! Farebox in the program itself: chat completions under budgets, without a gateway beside it.
//!
//! A program opens a folder of books and asks for completions. Each call is bounded before it is sent, its bound is
//! set aside on every budget it matches, that is written to disk, and only then does a byte leave; when the answer
//! has told its cost, the rest is given back. This is the walk of the gateway, not another like it: `farebox serve`
//! opens the same [`Farebox`] and puts a listener before it. So the books are the same too, and the other commands
//! read them: `farebox budgets list --data DIR`.
//!
//! # One call
//!
//! ```
//! use farebox::{Error, Farebox};
//! use serde_json::json;
//!
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # runtime.block_on(async {
//! # let sandbox = sandbox::Sandbox::start("127.0.0.1:0".parse()?, sandbox::Config::default()).await?;
//! # let url = format!("http://{}/api/v1", sandbox.addr());
//! # let dir = tempfile::tempdir()?;
//! # let (data, key) = (dir.path(), "sk-or-v1-sandbox");
//! let farebox = Farebox::builder()
//!     .budget("10/day")
//!     .budget("100/month")
//!     .data(data)
//!     .upstream(url) // without this: https://openrouter.ai/api/v1
//!     .upstream_key(key)
//!     .open()
//!     .await?;
//!
//! let body = json!({
//!     "model": "openai/gpt-4o-mini",
//!     "messages": [{"role": "user", "content": "Say hello."}],
//!     "max_tokens": 200,
//! });
//! match farebox.chat(body).await {
//!     Ok(done) => {
//!         println!("{}", done.text().unwrap_or_default());
//!         println!("it cost {:?}", done.cost); // None: not known yet, and still charged
//!     }
//!     Err(Error::Refused(no)) => println!("{} ({:?} left of it)", no.sentence, no.balance),
//!     Err(error) => println!("{error}"),
//! }
//!
//! let day = &farebox.balances()[0];
//! assert!(day.posted.saturating_add(day.held).saturating_add(day.unknown) <= day.limit);
//! farebox.close().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Labels for budgets that look at them (`per = ["user"]`), and a ceiling on one call, come with [`Call`].
//!
//! # A stream
//!
//! ```
//! use serde_json::{Value, json};
//!
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # runtime.block_on(async {
//! # let sandbox = sandbox::Sandbox::start("127.0.0.1:0".parse()?, sandbox::Config::default()).await?;
//! # let dir = tempfile::tempdir()?;
//! # let farebox = farebox::Farebox::builder().budget("1").data(dir.path()).upstream_key("sk-or-v1-sandbox")
//! #     .upstream(format!("http://{}/api/v1", sandbox.addr())).open().await?;
//! let body = json!({
//!     "model": "openai/gpt-4o-mini",
//!     "messages": [{"role": "user", "content": "Count to ten."}],
//!     "stream": true,
//! });
//! let mut events = farebox.chat_stream(body).await?;
//! while let Some(event) = events.next().await {
//!     let event: Value = serde_json::from_slice(&event?)?;
//!     print!("{}", event["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
//! }
//! assert!(events.cost().is_some());
//! # farebox.close().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Around an HTTP client
//!
//! [`Farebox::layer`] is a `tower` layer for any client that is a [`tower_service::Service`] of [`http::Request`]s,
//! such as hyper-util's. Code that already speaks HTTP to OpenRouter keeps its requests: chat completions go by the
//! budgets, everything else to OpenRouter that could spend is refused, and the rest goes through the client.
//!
//! ```
//! use bytes::Bytes;
//! use http::Request;
//! use http_body_util::Full;
//! use hyper_util::client::legacy::Client;
//! use hyper_util::rt::TokioExecutor;
//! use tower_layer::Layer;
//! use tower_service::Service;
//!
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # runtime.block_on(async {
//! # let sandbox = sandbox::Sandbox::start("127.0.0.1:0".parse()?, sandbox::Config::default()).await?;
//! # let url = format!("http://{}/api/v1", sandbox.addr());
//! # let dir = tempfile::tempdir()?;
//! # let farebox = farebox::Farebox::builder().budget("1").data(dir.path()).upstream_key("sk-or-v1-sandbox")
//! #     .upstream(&url).open().await?;
//! let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
//! let mut client = farebox.layer().layer(client);
//!
//! let body = r#"{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}"#;
//! let request = Request::post(format!("{url}/chat/completions")).body(Full::from(body))?;
//! let answer = client.call(request).await?;
//! assert!(answer.headers().contains_key("x-farebox-cost-usd"));
//!
//! let request = Request::post(format!("{url}/embeddings")).body(Full::from("{}"))?;
//! assert_eq!(client.call(request).await?.headers()["x-farebox-reason"], "unmetered");
//! # farebox.close().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds
//!
//! * **Never more than the limit.** What was billed is at most what is posted, held and unknown together, and that is
//!   at most the limit, however many calls run at once. Bounds that rest on published figures instead of proof say so
//!   ([`Receipt::to_json`], `class`).
//! * **Nothing is forgotten.** The hold is on disk before the first byte leaves. A call that was under way when the
//!   process died, by whatever cause, is found by the next one to open the folder, stays charged at its bound, and is
//!   settled when OpenRouter has told its cost. Unknown is never zero.
//! * **One program at a time.** The folder has a lock; a second program, or a gateway, is refused and told who has it.
//! * **The same as the gateway.** The same traffic on the same budgets comes to the same balances, to the nano-dollar:
//!   `tests/library/agreement.rs` checks it call by call.
//! * **Exact.** Money is [`Nano`], whole nano-dollars, and debits round up.
//!
//! # What does not
//!
//! * Chat completions only. Other calls that spend are refused by the layer, and unknown to [`Farebox::chat`].
//! * One process. Programs that share a budget share a gateway.
//! * Only what goes through here is counted. The program can always open a connection of its own.
//! * A runtime: tokio, on which the background work runs (fresh prices, asking for unknown costs).
//! * Unix: the lock and the journal need its files.
//!
//! # Settings
//!
//! [`Config::load`] reads the files that `farebox serve` reads, or one that is named; [`Builder`] sets things in the
//! program. Secrets are neither in files nor taken from the environment here: the program hands them over.

mod books;
mod builder;
mod call;
mod completion;
pub mod config;
mod error;
mod events;
mod house;
mod refusal;
mod service;
mod words;

pub use admission::{BalanceReport, RefusalReason, UnknownHold};
pub use builder::Builder;
pub use call::Call;
pub use completion::Completion;
pub use config::{Config, ConfigError};
pub use error::{Error, OpenError};
pub use events::Events;
pub use gateway::{Body, ClientGone, Outcome, Receipt, Secret};
pub use house::Farebox;
pub use ledger::{Budget, Label, Straddle, Window};
pub use money::{Nano, Rate};
pub use pricing::{Allowances, Fit, RouterCeiling};
pub use refusal::Refusal;
pub use service::{FareboxLayer, FareboxService, Metered};
pub use store::Durability;
pub use words::chain;
