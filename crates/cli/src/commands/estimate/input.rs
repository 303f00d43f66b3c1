//! Where the request comes from: words on the command line, files, stdin, or a whole body.

use std::io::IsTerminal;
use std::path::Path;

use serde_json::Value;

use super::EstimateArgs;
use super::batch::{Batch, Form};
use super::{body, fields, image};
use crate::failure::Failure;
use crate::reading::{content, stdin};
use crate::tokens::Prompt;

/// What was given.
pub(super) enum Given {
    One(Input),
    Many(Batch),
}

/// A request to be estimated.
pub(super) enum Input {
    /// A whole chat request, checked to be one.
    Body(String),
    /// The text of a prompt, and its pictures as URLs.
    Text(String, Vec<String>),
}

impl Input {
    /// What the arguments say, or stdin when they say nothing and something is there.
    pub(super) fn read(args: &EstimateArgs) -> Result<Given, Failure> {
        if let Some(path) = &args.body {
            let (name, text) = content(path)?;
            if let Some(form) = Form::of(&text) {
                return Ok(Given::Many(Batch { name, text, form }));
            }
            let read = openrouter::chat::read(text.as_bytes());
            read.map_err(|error| Failure::usage(format!("{name}: {error}")))?;
            fields::warn(&text);
            return Ok(Given::One(Input::Body(text)));
        }
        let mut texts = Vec::new();
        match args.text.as_deref() {
            Some("-") => texts.push(stdin()?),
            Some(text) => texts.push(words(text)?.to_owned()),
            None => {}
        }
        texts.extend(args.prompt.clone());
        for path in &args.file {
            let (name, text) = content(path)?;
            if is_body(&text) {
                eprintln!("{name} looks like a whole request; --body {name} estimates it as one");
            }
            texts.push(text);
        }
        let images: Vec<String> =
            args.image.iter().map(|image| image::url(image)).collect::<Result<_, _>>()?;
        if texts.is_empty() && images.is_empty() && !std::io::stdin().is_terminal() {
            texts.extend(Some(stdin()?).filter(|text| !text.is_empty()));
        }
        match texts.is_empty() && images.is_empty() && args.system.is_none() {
            true => Err(Failure::usage("there is nothing to estimate").hint(
                "farebox estimate \"explain this\" --model openai/gpt-4o-mini; or --file, --body, or text on stdin",
            )),
            false => Ok(Given::One(Input::Text(texts.join("\n\n"), images))),
        }
    }

    /// The models the body names.
    pub(super) fn models(&self) -> Vec<String> {
        match self {
            Input::Body(body) => body::models(body),
            Input::Text(..) => Vec::new(),
        }
    }

    /// What is said in it, to be counted.
    pub(super) fn prompt(&self, args: &EstimateArgs) -> Prompt {
        Prompt::of_body(&self.request(None, args))
    }

    /// The request for one model: the body as it is when that is its own.
    pub(super) fn request(&self, model: Option<&str>, args: &EstimateArgs) -> String {
        let body = match (self, model) {
            (Input::Body(body), None) => body.clone(),
            (Input::Body(body), Some(model)) => body::with_model(body, model),
            (Input::Text(text, images), model) => {
                body::of_text(model.unwrap_or_default(), args.system.as_deref(), text, images)
            }
        };
        args.max_tokens.map_or(body.clone(), |cap| body::with_cap(&body, cap))
    }
}

/// Words, and not the name of a file that somebody meant to be read.
fn words(text: &str) -> Result<&str, Failure> {
    match text.len() < 4_096 && Path::new(text).is_file() {
        true => Err(Failure::usage(format!("'{text}' is a file, not a prompt"))
            .hint(format!("--file {text} for a prompt, --body {text} for a whole request"))),
        false => Ok(text),
    }
}

fn is_body(text: &str) -> bool {
    text.trim_start().starts_with('{')
        && serde_json::from_str::<Value>(text).is_ok_and(|value| value["messages"].is_array())
}
