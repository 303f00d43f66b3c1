//! Finding and reading the configuration files.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::place;

/// Read from the folder one stands in.
const PROJECT: &str = "farebox.toml";
/// A configuration is a page of text; more than this is a mistake. Bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The files to go by, the strongest first: `only`, or those of the usual places that are there.
pub(super) fn read_all(only: Option<PathBuf>) -> Result<Vec<(PathBuf, String)>, ConfigError> {
    if let Some(path) = only {
        let text = read(&path)?.ok_or_else(|| {
            ConfigError::new(format!("there is no file {}", path.display()))
                .hint("farebox help config > farebox.toml makes one to start from")
        })?;
        return Ok(vec![(path, text)]);
    }
    let project = Some(PathBuf::from(PROJECT));
    let system = Some(PathBuf::from("/etc/farebox/config.toml"));
    let mut files = Vec::new();
    for path in [project, place::user_file(), system].into_iter().flatten() {
        if let Some(text) = read(&path)? {
            files.push((path, text));
        }
    }
    Ok(files)
}

/// Whether this is the file that was found in the folder one stands in.
pub(super) fn is_of_the_project(path: &Path) -> bool {
    path == Path::new(PROJECT)
}

fn read(path: &PathBuf) -> Result<Option<String>, ConfigError> {
    let unreadable = |error: &std::io::Error| {
        ConfigError::new(format!("cannot read {}: {}", path.display(), crate::chain(error)))
    };
    match fs::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(&error)),
        Ok(about) if about.len() > FILE_BYTES_MAX => {
            return Err(ConfigError::new(format!("{} is too large for a configuration", path.display())));
        }
        Ok(_) => {}
    }
    fs::read_to_string(path).map(Some).map_err(|error| unreadable(&error))
}
