//! Where the plaintext of a new key goes: stdout, a new file of its owner's, or another command's stdin. Once.
//!
//! OpenRouter shows it once, so what can fail is made sure of before the key is made; and when handing it over fails
//! all the same, the error says that the key exists and how to be rid of it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use openrouter::account::CreatedKey;
use tempfile::NamedTempFile;

use super::row::short;
use crate::failure::{Failure, chain};

/// Flags about it.
#[derive(Debug, Args)]
pub(crate) struct HandoverArgs {
    /// Write the key into this new file, which only you can read
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    out: Option<PathBuf>,
    /// Give the key to a command's stdin: --to -- sh -c 'store it'
    #[arg(long, requires = "command")]
    to: bool,
    /// The command of --to
    #[arg(last = true, value_name = "CMD", requires = "to")]
    command: Vec<String>,
}

/// Where it will go.
#[derive(Debug)]
pub(crate) enum Handover {
    Stdout,
    File { path: PathBuf, file: NamedTempFile },
    Command(Vec<String>),
}

impl HandoverArgs {
    /// Makes sure of it, before there is a key.
    pub(crate) fn prepare(self) -> Result<Handover, Failure> {
        match (self.out, self.to) {
            (Some(path), _) => prepare_file(path),
            (None, true) => Ok(Handover::Command(self.command)),
            (None, false) => Ok(Handover::Stdout),
        }
    }
}

impl Handover {
    /// Whether the key itself is printed.
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self, Handover::Stdout)
    }

    /// Where it went, in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Handover::Stdout => "shown this once: keep it somewhere safe".to_owned(),
            Handover::File { path, .. } => format!("written to {}", path.display()),
            Handover::Command(command) => format!("given to {}", command[0]),
        }
    }

    /// Hands it over. `printed` is what goes to stdout, when the key does.
    pub(crate) fn give(self, created: &CreatedKey, printed: &str) -> Result<(), Failure> {
        let given = match self {
            Handover::Stdout => print(printed),
            Handover::File { path, file } => write(file, &path, &created.plaintext),
            Handover::Command(command) => feed(&command, &created.plaintext),
        };
        given.map_err(|why| {
            let hash = short(&created.key.hash);
            Failure::failed(format!("{why}; the new key {hash} exists all the same, and nobody has it"))
                .hint(format!("farebox keys delete {hash}, then make another"))
        })
    }
}

fn prepare_file(path: PathBuf) -> Result<Handover, Failure> {
    if path.symlink_metadata().is_ok() {
        return Err(Failure::usage(format!("{} is there already", path.display()))
            .hint("a key never overwrites a file: name another, or remove that one"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // Only its owner can read it from the first byte on; it has its name once it is whole.
    let file = tempfile::Builder::new().prefix(".farebox-key-").tempfile_in(folder);
    let file = file.map_err(|error| {
        Failure::failed(format!("cannot write into {}: {}", folder.display(), chain(&error)))
    })?;
    Ok(Handover::File { path, file })
}

fn print(text: &str) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    let printed = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    printed.map_err(|error| format!("the key could not be printed: {}", chain(&error)))
}

fn write(mut file: NamedTempFile, path: &Path, plaintext: &str) -> Result<(), String> {
    let failed = |error: &io::Error| format!("{} could not be written: {}", path.display(), chain(error));
    let written =
        file.write_all(format!("{plaintext}\n").as_bytes()).and_then(|()| file.as_file().sync_all());
    written.map_err(|error| failed(&error))?;
    file.persist_noclobber(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

fn feed(command: &[String], plaintext: &str) -> Result<(), String> {
    let name = &command[0];
    let failed = |error: io::Error| format!("{name} could not be given the key: {}", chain(&error));
    let mut child = Command::new(name).args(&command[1..]).stdin(Stdio::piped()).spawn().map_err(failed)?;
    let fed =
        child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(format!("{plaintext}\n").as_bytes()));
    let status = child.wait().map_err(failed)?;
    match (status.success(), fed) {
        (false, _) => Err(format!("{name} ended with {status}")),
        // Whoever did not read it does not have it, whatever it says.
        (true, Err(error)) => Err(failed(error)),
        (true, Ok(())) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn created() -> CreatedKey {
        let json = serde_json::json!({"key": "sk-or-v1-secret", "data": {"hash": "abcdef0123456789", "limit": null}});
        serde_json::from_value(json).unwrap()
    }

    fn to_command(script: &str) -> Result<(), Failure> {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        Handover::Command(command).give(&created(), "")
    }

    #[test]
    fn a_file_is_new_and_its_owners() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let args = |path: &Path| HandoverArgs { out: Some(path.to_owned()), to: false, command: vec![] };
        args(&path).prepare().unwrap().give(&created(), "").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "sk-or-v1-secret\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(args(&path).prepare().is_err(), "never overwritten");
        let late = dir.path().join("late");
        let prepared = args(&late).prepare().unwrap();
        std::fs::write(&late, "another's").unwrap();
        let told = prepared.give(&created(), "").unwrap_err().text(&crate::terminal::Terminal::plain());
        assert!(told.contains("the new key abcdef012345 exists") && !told.contains("secret"), "{told}");
        assert_eq!(std::fs::read_to_string(&late).unwrap(), "another's");
        assert!(args(&dir.path().join("none/key")).prepare().is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing half written stays");
    }

    #[test]
    fn a_command_gets_it_on_stdin() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("got");
        to_command(&format!("cat > '{}'", path.display())).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "sk-or-v1-secret\n");
        let told =
            to_command("cat > /dev/null; exit 3").unwrap_err().text(&crate::terminal::Terminal::plain());
        assert!(told.contains("exit status: 3") && told.contains("keys delete abcdef012345"), "{told}");
        let missing = Handover::Command(vec!["/nowhere/at/all".to_owned()]);
        assert!(missing.give(&created(), "").is_err());
    }
}
