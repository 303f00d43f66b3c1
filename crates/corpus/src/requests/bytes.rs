//! The same members in other bytes: spaces, escapes, orders, members given twice.

use super::Draft;

impl Draft {
    /// The body.
    pub(super) fn write(mut self) -> Vec<u8> {
        let mut members: Vec<String> =
            self.root.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        self.rng.shuffle(&mut members);
        match self.rng.u32(..60) {
            0 => {
                let again = self.rng.usize(..members.len().max(1));
                members.extend(members.get(again).cloned());
            }
            1 => members.push("\"max_tokens\":9".to_owned()),
            2 => members.push("\"temperature\" : 1".to_owned()),
            _ => {}
        }
        let (comma, brace) = if self.one_in(5) { (" ,\n  ", "\n") } else { (",", "") };
        let mut text = format!("{{{brace}{}{brace}}}", members.join(comma));
        if self.one_in(10) {
            text = escaped(&text);
        }
        if self.one_in(30) {
            text = text.replacen("\"messages\"", "\"\\u006dessages\"", 1);
        }
        let mut bytes = text.into_bytes();
        if self.one_in(200) {
            bytes.truncate(bytes.len() / 2);
        }
        bytes
    }
}

/// Everything beyond ASCII as `\u` escapes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = [0; 2];
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}
