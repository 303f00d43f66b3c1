//! Reading what people point at: files of text, and stdin. What is no text is told from what it is.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::failure::{Failure, chain};

/// A prompt larger than any model's context.
const INPUT_BYTES_MAX: u64 = 64 << 20;

/// A file's name and text; `-` is stdin.
///
/// # Errors
/// When it cannot be read, is too large, or is no text.
pub(crate) fn content(path: &Path) -> Result<(String, String), Failure> {
    if path == Path::new("-") {
        return Ok(("stdin".to_owned(), stdin()?));
    }
    let name = path.display().to_string();
    let bytes = fs::metadata(path).map_err(|error| unreadable(&name, &chain(&error)))?.len();
    if bytes > INPUT_BYTES_MAX {
        return Err(too_large(&name));
    }
    let content = fs::read(path).map_err(|error| unreadable(&name, &chain(&error)))?;
    Ok((name.clone(), text(&name, content)?))
}

/// All of stdin, as text.
///
/// # Errors
/// As [`content`].
pub(crate) fn stdin() -> Result<String, Failure> {
    let mut content = Vec::new();
    let read = std::io::stdin().take(INPUT_BYTES_MAX + 1).read_to_end(&mut content);
    read.map_err(|error| unreadable("stdin", &chain(&error)))?;
    match content.len() as u64 > INPUT_BYTES_MAX {
        true => Err(too_large("stdin")),
        false => text("stdin", content),
    }
}

/// The kind of a picture, by its first bytes.
pub(crate) fn picture(content: &[u8]) -> Option<&'static str> {
    match content {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// A PDF may be made of ASCII, and is no prompt all the same.
fn text(name: &str, content: Vec<u8>) -> Result<String, Failure> {
    if picture(&content).is_some() {
        let file = if name == "stdin" { "photo.png" } else { name };
        return Err(unreadable(name, "it is a picture").hint(format!("--image {file}")));
    }
    if content.starts_with(b"%PDF-") {
        return Err(unreadable(name, "it is a PDF").hint(
            "a PDF goes into a request, as a part of type \"file\" of its message: farebox estimate --body request.json",
        ));
    }
    String::from_utf8(content).map_err(|_| {
        unreadable(name, "it is not text (UTF-8)")
            .hint("pictures: --image; what else is no text goes into a request: --body request.json")
    })
}

fn too_large(name: &str) -> Failure {
    unreadable(name, "it is larger than 64 MB")
}

fn unreadable(name: &str, why: &str) -> Failure {
    Failure::usage(format!("cannot read {name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Terminal;

    #[test]
    fn what_is_no_text_says_what_it_is() {
        let told = |name: &str, content: &[u8]| {
            text(name, content.to_vec()).map_err(|failure| failure.text(&Terminal::plain()))
        };
        assert_eq!(told("a.txt", "né".as_bytes()).as_deref(), Ok("né"));
        for (content, word) in [
            (&b"\x89PNG\r\n"[..], "hint: --image a.png"),
            (b"%PDF-1.7\nall of it is ASCII", "it is a PDF"),
            (b"\xFE\xFE", "it is not text"),
        ] {
            let failure = told("a.png", content).unwrap_err();
            assert!(failure.contains(word) && failure.contains("\nhint: "), "{failure}");
        }
    }
}
