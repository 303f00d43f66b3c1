//! What a request costs on the hot path: read and bound, splice, and the scan of a relayed stream.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use openrouter::catalogue::Catalogue;
use openrouter::chat::{self, Permission};
use openrouter::sse::Scanner;
use pricing::{Bound, BoundPolicy, Grounds, bound};

const MODEL: &str = "deepseek/deepseek-v4-pro";

fn chat_1k() -> Vec<u8> {
    let text = "Explain how a budget can hold exactly under concurrency. ".repeat(14);
    format!("{{\"model\":\"{MODEL}\",\"messages\":[{{\"role\":\"system\",\"content\":\"Be brief.\"}},{{\"role\":\"user\",\"content\":\"{text}\"}}],\"max_tokens\":512,\"stream\":true,\"temperature\":0.2}}")
        .into_bytes()
}

/// Sixty turns of an agent with twenty tools: parts, tool calls, results full of escapes.
fn agent_100k() -> Vec<u8> {
    let mut messages = String::from(
        "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"You are an agent.\",\"cache_control\":{\"type\":\"ephemeral\"}}]}",
    );
    let result = "fn main() {\\n    println!(\\\"hello\\\");\\n}\\n".repeat(30);
    for turn in 0..60 {
        messages.push_str(&format!(",{{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{{\"id\":\"call_{turn}\",\"type\":\"function\",\"function\":{{\"name\":\"read\",\"arguments\":\"{{\\\"path\\\":\\\"src/main.rs\\\"}}\"}}}}]}},{{\"role\":\"tool\",\"tool_call_id\":\"call_{turn}\",\"content\":\"{result}\"}}"));
    }
    let tool = |n: usize| {
        format!(
            "{{\"type\":\"function\",\"function\":{{\"name\":\"tool_{n}\",\"description\":\"{}\",\"parameters\":{{\"type\":\"object\",\"properties\":{{\"path\":{{\"type\":\"string\"}}}},\"required\":[\"path\"]}}}}}}",
            "Reads a file and returns it. ".repeat(12)
        )
    };
    let tools: Vec<String> = (0..20).map(tool).collect();
    format!(
        "{{\"model\":\"{MODEL}\",\"messages\":[{messages}],\"tools\":[{}],\"stream\":true}}",
        tools.join(",")
    )
    .into_bytes()
}

/// A turn late in an agent's work: thirty tools with schemas as people write them, plain text beside tool calls,
/// results that are code, listings and JSON.
fn agent_with_30_tools() -> Vec<u8> {
    let property = |name: &str| {
        format!(
            "\"{name}\":{{\"type\":\"string\",\"description\":\"The {name} to use, relative to the project; must not be empty.\"}}"
        )
    };
    let tool = |n: usize| {
        let properties = ["path", "pattern", "limit"].map(property).join(",");
        format!(
            "{{\"type\":\"function\",\"function\":{{\"name\":\"tool_{n}\",\"description\":\"{}\",\"parameters\":{{\"type\":\"object\",\"properties\":{{{properties}}},\"required\":[\"path\"],\"additionalProperties\":false}},\"strict\":true}}}}",
            "Searches the files of the project. Use it before you change anything. ".repeat(4)
        )
    };
    let tools: Vec<String> = (0..30).map(tool).collect();
    let results = [
        "use std::fmt;\\n\\n/// A price per unit.\\npub struct Rate(u64);\\n\\nimpl Rate {\\n    pub const ZERO: Rate = Rate(0);\\n\\n    pub fn name(&self) -> &str {\\n        \\\"rate\\\"\\n    }\\n}\\n".repeat(10),
        "{\\\"files\\\":[{\\\"path\\\":\\\"src/lib.rs\\\",\\\"lines\\\":120},{\\\"path\\\":\\\"src/rate.rs\\\",\\\"lines\\\":88}]}".repeat(14),
        "The build is done. All of the tests have passed; two are slow and were left out of this run. ".repeat(16),
    ];
    let mut messages = String::from(
        "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"You work on this project.\",\"cache_control\":{\"type\":\"ephemeral\"}}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Mend the failing test.\"}]}",
    );
    for turn in 0..36 {
        let result = &results[turn % results.len()];
        messages.push_str(&format!(",{{\"role\":\"assistant\",\"content\":\"I look at the next file.\",\"tool_calls\":[{{\"id\":\"call_{turn}\",\"type\":\"function\",\"function\":{{\"name\":\"tool_{}\",\"arguments\":\"{{\\\"path\\\":\\\"src/rate.rs\\\",\\\"limit\\\":\\\"200\\\"}}\"}}}}]}},{{\"role\":\"tool\",\"tool_call_id\":\"call_{turn}\",\"content\":\"{result}\"}}", turn % 30));
    }
    format!("{{\"model\":\"{MODEL}\",\"messages\":[{messages}],\"tools\":[{}],\"tool_choice\":\"auto\",\"stream\":true,\"max_tokens\":8192}}", tools.join(","))
        .into_bytes()
}

fn permission(bound: &Bound) -> Permission {
    Permission {
        output_cap: bound.output_cap,
        max_price: bound.max_price,
        ignore: bound.ignore.clone(),
        only: bound.only.clone(),
        pins: bound.pins.clone(),
        models: None,
    }
}

fn requests(criterion: &mut Criterion) {
    let catalogue = Catalogue::open(None);
    let policy = BoundPolicy::default();
    let bodies = [
        ("1 KB chat", chat_1k()),
        ("100 KB agent turn", agent_100k()),
        ("100 KB agent turn, 30 tools", agent_with_30_tools()),
    ];
    for (name, body) in bodies {
        criterion.bench_function(&format!("read, {name} ({} bytes)", body.len()), |bencher| {
            bencher.iter(|| chat::read(black_box(&body)).map(|request| request.shape.messages));
        });
        criterion.bench_function(&format!("read and bound, {name}"), |bencher| {
            bencher.iter(|| {
                let book = catalogue.book();
                let request = chat::read(black_box(&body)).ok()?;
                bound(&request.shape, &Grounds::new(&book, &policy)).ok()
            });
        });
        let Ok(request) = chat::read(&body) else { continue };
        let Ok(bound) = bound(&request.shape, &Grounds::new(&catalogue.book(), &policy)) else { continue };
        let permission = permission(&bound);
        criterion.bench_function(&format!("splice, {name}"), |bencher| {
            bencher.iter(|| request.splice(black_box(&body), &permission));
        });
    }
}

fn relay(criterion: &mut Criterion) {
    let event = |text: &str| {
        format!(
            "data: {{\"id\":\"gen-1\",\"object\":\"chat.completion.chunk\",\"created\":1795428000,\"model\":\"m\",\"provider\":\"OpenAI\",\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n"
        )
    };
    let mut stream = String::from(": OPENROUTER PROCESSING\n\n");
    for _ in 0..1_000 {
        stream.push_str(&event(" token"));
    }
    stream.push_str("data: {\"id\":\"gen-1\",\"choices\":[],\"usage\":{\"cost\":0.0001,\"is_byok\":false}}\n\ndata: [DONE]\n\n");
    let mut group = criterion.benchmark_group("sse");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    for (name, chunk) in [("one event a chunk", 190), ("16 KB chunks", 16 << 10)] {
        group.bench_function(format!("scan 1,000 events, {name}"), |bencher| {
            bencher.iter(|| {
                let mut scanner = Scanner::new();
                for chunk in black_box(stream.as_bytes()).chunks(chunk) {
                    scanner.feed(chunk);
                }
                scanner.finish()
            });
        });
    }
    group.finish();
}

criterion_group!(all, requests, relay);
criterion_main!(all);
