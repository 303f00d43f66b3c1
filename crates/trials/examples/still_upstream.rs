//! The stillest upstream there is: one fixed chat answer, streamed or not, with a cost in it. For measuring what
//! a proxy adds, and nothing else.
//!
//! `still_upstream 127.0.0.1:9000`

use std::convert::Infallible;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

const USAGE: &str = r#""usage":{"prompt_tokens":194,"completion_tokens":20,"total_tokens":214,"cost":0.000042,"is_byok":false,"prompt_tokens_details":{"cached_tokens":0},"cost_details":{"upstream_inference_cost":0.000042},"completion_tokens_details":{"reasoning_tokens":0}}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let address = std::env::args().nth(1).context("usage: still_upstream ADDRESS")?;
    let listener = TcpListener::bind(&address).await?;
    let (whole, stream) = (whole(), stream());
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let (whole, stream) = (whole.clone(), stream.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, whole.clone(), stream.clone()));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    whole: Bytes,
    stream: Bytes,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let streamed = body.windows(13).any(|window| window == b"\"stream\":true");
    let (kind, body) = if streamed { ("text/event-stream", stream) } else { ("application/json", whole) };
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(kind));
    headers.insert("x-generation-id", HeaderValue::from_static("gen-1795428000-AbCdEfGhIjKlMnOpQrSt"));
    Ok(response)
}

fn whole() -> Bytes {
    let content = "All fares are paid before the ride. ".repeat(14);
    let head = r#"{"id":"gen-1795428000-AbCdEfGhIjKlMnOpQrSt","object":"chat.completion","created":1795428000,"model":"openai/gpt-4o-mini","provider":"OpenAI","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":""#;
    Bytes::from(format!("{head}{content}\"}}}}],{USAGE}}}"))
}

fn stream() -> Bytes {
    let head = r#"data: {"id":"gen-1795428000-AbCdEfGhIjKlMnOpQrSt","object":"chat.completion.chunk","created":1795428000,"model":"openai/gpt-4o-mini","provider":"OpenAI","choices":[{"index":0,"delta":{"role":"assistant","content":"fare "},"finish_reason":null}]"#;
    let pieces = format!("{head}}}\n\n").repeat(20);
    Bytes::from(format!(": OPENROUTER PROCESSING\n\n{pieces}{head},{USAGE}}}\n\ndata: [DONE]\n\n"))
}
