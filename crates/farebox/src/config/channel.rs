//! `[[alerts.channel]]`: where messages go. Secrets are named here, by environment variable or file, and read only
//! when a channel is opened.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use alerts::{
    Channel, Command, Email, Mailbox, PAGERDUTY, PagerDuty, Secret, SigningKey, Slack, Target, Transport,
    Way, Webhook,
};

use super::ConfigError;
use super::duration;
use super::place::{Source, with_home};
use super::raw::RawChannel;

/// Channels at most.
const CHANNELS_MAX: usize = 20;
const NAME_BYTES_MAX: usize = 64;
/// A secret is a line; a bundle of certificates is longer. Bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// As long as any attempt may take.
const COMMAND_TIMEOUT_MAX: Duration = Duration::from_secs(30);
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// The keys of each kind, besides `name` and `kind`.
const KINDS: [(&str, &[&str]); 5] = [
    ("slack", &["url_env", "url_file", "allow_private"]),
    ("pagerduty", &["url", "routing_key_env", "routing_key_file", "allow_private"]),
    ("webhook", &["url", "url_env", "url_file", "secret_env", "secret_file", "allow_private"]),
    (
        "email",
        &[
            "host",
            "port",
            "security",
            "insecure",
            "username",
            "password_env",
            "password_file",
            "from",
            "to",
            "ca_file",
        ],
    ),
    ("command", &["command", "timeout"]),
];

/// A channel as configured, its secrets not read yet.
#[derive(Clone, Debug)]
pub struct ChannelPlan {
    /// Its name.
    pub name: String,
    way: WayPlan,
}

#[derive(Clone, Debug)]
enum WayPlan {
    Slack { url: Place, allow_private: bool },
    PagerDuty { url: String, routing_key: Place, allow_private: bool },
    Webhook { url: Place, keys: Place, allow_private: bool },
    Email { email: Box<Email>, password: Option<(String, Place)>, ca_file: Option<PathBuf> },
    Command(Command),
}

/// Where a text is.
#[derive(Clone, Debug)]
enum Place {
    Variable(String),
    File(PathBuf),
    Here(String),
}

impl ChannelPlan {
    /// Reads the secrets.
    ///
    /// # Errors
    /// When one is missing or cannot be used. Never shows it.
    pub fn open(&self) -> Result<Channel, ConfigError> {
        let wrong = |what: String| ConfigError::new(format!("alert channel '{}': {what}", self.name));
        let target = |url: &Secret, allow_private: bool, place: &Place| {
            Target::new(url, allow_private).map_err(|error| wrong(format!("{} {error}", place.holds())))
        };
        let way = match &self.way {
            WayPlan::Slack { url, allow_private } => {
                Way::Slack(Slack { url: target(&url.read().map_err(wrong)?, *allow_private, url)? })
            }
            WayPlan::PagerDuty { url, routing_key, allow_private } => Way::PagerDuty(PagerDuty {
                url: target(&Secret::new(url), *allow_private, &Place::Here(url.clone()))?,
                routing_key: routing_key.read().map_err(wrong)?,
            }),
            WayPlan::Webhook { url, keys, allow_private } => {
                let url = target(&url.read().map_err(wrong)?, *allow_private, url)?;
                let texts = keys.read().map_err(wrong)?;
                let keys: Result<Vec<SigningKey>, _> = texts
                    .expose()
                    .split_whitespace()
                    .map(|key| SigningKey::parse(&Secret::new(key)))
                    .collect();
                let keys = keys.map_err(|error| wrong(format!("of {}: {error}", keys_place(&self.way))))?;
                Way::Webhook(Webhook { url, keys })
            }
            WayPlan::Email { email, password, ca_file } => {
                let mut email = email.clone();
                if let Some((name, password)) = password {
                    email.login = Some((name.clone(), password.read().map_err(wrong)?));
                }
                let pem = |file: &PathBuf| {
                    fs::read(file).map_err(|error| {
                        wrong(format!("cannot read {}: {}", file.display(), crate::chain(&error)))
                    })
                };
                email.extra_roots = ca_file.as_ref().map(pem).transpose()?;
                Way::Email(email)
            }
            WayPlan::Command(command) => Way::Command(command.clone()),
        };
        Ok(Channel { name: self.name.clone(), way })
    }

    /// The word of its kind.
    pub fn kind(&self) -> &'static str {
        match self.way {
            WayPlan::Slack { .. } => "slack",
            WayPlan::PagerDuty { .. } => "pagerduty",
            WayPlan::Webhook { .. } => "webhook",
            WayPlan::Email { .. } => "email",
            WayPlan::Command(_) => "command",
        }
    }
}

impl Place {
    fn read(&self) -> Result<Secret, String> {
        let text = match self {
            Place::Variable(name) => env::var(name).map_err(|_| format!("the variable {name} is not set"))?,
            Place::Here(text) => text.clone(),
            Place::File(path) => {
                let cannot = |why: String| format!("cannot read {}: {why}", path.display());
                match fs::metadata(path) {
                    Ok(about) if about.len() > FILE_BYTES_MAX => {
                        return Err(cannot("it is too large".to_owned()));
                    }
                    _ => fs::read_to_string(path).map_err(|error| cannot(crate::chain(&error)))?,
                }
            }
        };
        let secret = Secret::new(&text);
        if secret.expose().is_empty() { Err(format!("{} is empty", self.holds())) } else { Ok(secret) }
    }

    /// For errors: the place, never what is there.
    fn holds(&self) -> String {
        match self {
            Place::Variable(name) => format!("what {name} holds cannot be used:"),
            Place::File(path) => format!("what {} holds cannot be used:", path.display()),
            Place::Here(_) => "its url cannot be used:".to_owned(),
        }
    }
}

fn keys_place(way: &WayPlan) -> String {
    match way {
        WayPlan::Webhook { keys: Place::Variable(name), .. } => name.clone(),
        WayPlan::Webhook { keys: Place::File(path), .. } => path.display().to_string(),
        _ => "its secret".to_owned(),
    }
}

/// What the tables of a file mean.
pub(super) fn plans(raw: Vec<RawChannel>, source: Source<'_>) -> Result<Vec<ChannelPlan>, ConfigError> {
    let mut plans: Vec<ChannelPlan> = Vec::with_capacity(raw.len());
    for raw in raw {
        let span = raw.name.span();
        let plan = plan(raw, source)?;
        if plans.iter().any(|other| other.name == plan.name) {
            return Err(source.wrong(span, format_args!("a second alert channel is named '{}'", plan.name)));
        }
        if plans.len() == CHANNELS_MAX {
            return Err(source.wrong(span, format_args!("more than {CHANNELS_MAX} alert channels")));
        }
        plans.push(plan);
    }
    Ok(plans)
}

fn plan(raw: RawChannel, source: Source<'_>) -> Result<ChannelPlan, ConfigError> {
    let name = raw.name.get_ref().clone();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
        let sentence =
            format!("'{name}' cannot name a channel: use 1 to {NAME_BYTES_MAX} letters, digits and -_.");
        return Err(source.wrong(raw.name.span(), sentence));
    }
    let kind = raw.kind.get_ref().as_str();
    let Some((_, own)) = KINDS.iter().find(|(known, _)| *known == kind) else {
        let known: Vec<&str> = KINDS.iter().map(|(known, _)| *known).collect();
        return Err(source.wrong(raw.kind.span(), format_args!("kind is {}, not '{kind}'", known.join(", "))));
    };
    if let Some(foreign) = raw.set().into_iter().find(|key| !own.contains(key)) {
        let sentence = format!("'{foreign}' means nothing to a channel of kind {kind}");
        return Err(source.wrong(raw.name.span(), sentence).hint(format!("known here: {}", own.join(", "))));
    }
    let read = Reading { span: raw.name.span(), source };
    let allow_private = raw.allow_private.unwrap_or(false);
    let way = match kind {
        "slack" => WayPlan::Slack { url: read.place(None, raw.url_env, raw.url_file, "url")?, allow_private },
        "pagerduty" => WayPlan::PagerDuty {
            url: raw.url.unwrap_or_else(|| PAGERDUTY.to_owned()),
            routing_key: read.place(None, raw.routing_key_env, raw.routing_key_file, "routing_key")?,
            allow_private,
        },
        "webhook" => WayPlan::Webhook {
            url: read.place(raw.url, raw.url_env, raw.url_file, "url")?,
            keys: read.place(None, raw.secret_env, raw.secret_file, "secret")?,
            allow_private,
        },
        "email" => email(raw, &read)?,
        _ => command(raw, &read)?,
    };
    Ok(ChannelPlan { name, way })
}

struct Reading<'a> {
    span: std::ops::Range<usize>,
    source: Source<'a>,
}

impl Reading<'_> {
    fn wrong(&self, sentence: impl std::fmt::Display) -> ConfigError {
        self.source.wrong(self.span.clone(), sentence)
    }

    fn needed<T>(&self, value: Option<T>, key: &str) -> Result<T, ConfigError> {
        value.ok_or_else(|| self.wrong(format_args!("this channel needs '{key}'")))
    }

    /// The one of three ways to say where a text is.
    fn place(
        &self,
        here: Option<String>,
        variable: Option<String>,
        file: Option<String>,
        key: &str,
    ) -> Result<Place, ConfigError> {
        let places = [
            here.map(Place::Here),
            variable.map(Place::Variable),
            file.map(|file| Place::File(with_home(&file))),
        ];
        let mut places = places.into_iter().flatten();
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (None, _) => Err(self.wrong(format_args!("this channel needs '{key}_env' or '{key}_file'"))),
            (Some(_), Some(_)) => Err(self.wrong(format_args!("this channel has its {key} in two places"))),
        }
    }
}

fn email(raw: RawChannel, read: &Reading<'_>) -> Result<WayPlan, ConfigError> {
    let host = read.needed(raw.host, "host")?;
    let (transport, usual_port) = match raw.security.as_deref().unwrap_or("starttls") {
        "starttls" => (Transport::StartTls, 587),
        "tls" => (Transport::Tls, 465),
        "none" => (Transport::Plain, 25),
        other => return Err(read.wrong(format_args!("security is starttls, tls or none, not '{other}'"))),
    };
    let mailbox = |text: &str| Mailbox::parse(text).map_err(|error| read.wrong(error));
    let email = Email {
        port: raw.port.unwrap_or(usual_port),
        transport,
        login: None,
        extra_roots: None,
        from: mailbox(&read.needed(raw.from, "from")?)?,
        to: raw.to.unwrap_or_default().iter().map(|text| mailbox(text)).collect::<Result<_, _>>()?,
        host,
    };
    if email.to.is_empty() {
        return Err(read.wrong("this channel needs 'to', a list of addresses"));
    }
    if transport == Transport::Plain && !email.is_local() && raw.insecure != Some(true) {
        return Err(read
            .wrong(format_args!("security = \"none\" sends mail and password to {} in the clear", email.host))
            .hint("use starttls or tls, or say that it is well: insecure = true"));
    }
    let password = match (raw.username, raw.password_env.is_some() || raw.password_file.is_some()) {
        (Some(name), _) => Some((name, read.place(None, raw.password_env, raw.password_file, "password")?)),
        (None, true) => return Err(read.wrong("this channel has a password and no 'username'")),
        (None, false) => None,
    };
    let ca_file = raw.ca_file.map(|file| with_home(&file));
    Ok(WayPlan::Email { email: Box::new(email), password, ca_file })
}

fn command(raw: RawChannel, read: &Reading<'_>) -> Result<WayPlan, ConfigError> {
    let argv = read.needed(raw.command, "command")?;
    if argv.first().is_none_or(String::is_empty) {
        return Err(
            read.wrong("command is a program and its arguments, such as [\"notify-send\", \"farebox\"]")
        );
    }
    let timeout =
        raw.timeout.as_deref().map(duration::parse).transpose().map_err(|error| read.wrong(error))?;
    let timeout = timeout.unwrap_or(COMMAND_TIMEOUT);
    if timeout.is_zero() || timeout > COMMAND_TIMEOUT_MAX {
        return Err(read.wrong(format_args!("timeout is at most {} s", COMMAND_TIMEOUT_MAX.as_secs())));
    }
    Ok(WayPlan::Command(Command { argv, timeout }))
}

impl RawChannel {
    /// The keys that are set, besides `name` and `kind`.
    fn set(&self) -> Vec<&'static str> {
        let all = [
            ("url", self.url.is_some()),
            ("url_env", self.url_env.is_some()),
            ("url_file", self.url_file.is_some()),
            ("routing_key_env", self.routing_key_env.is_some()),
            ("routing_key_file", self.routing_key_file.is_some()),
            ("secret_env", self.secret_env.is_some()),
            ("secret_file", self.secret_file.is_some()),
            ("allow_private", self.allow_private.is_some()),
            ("host", self.host.is_some()),
            ("port", self.port.is_some()),
            ("security", self.security.is_some()),
            ("insecure", self.insecure.is_some()),
            ("username", self.username.is_some()),
            ("password_env", self.password_env.is_some()),
            ("password_file", self.password_file.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("ca_file", self.ca_file.is_some()),
            ("command", self.command.is_some()),
            ("timeout", self.timeout.is_some()),
        ];
        all.into_iter().filter(|(_, set)| *set).map(|(key, _)| key).collect()
    }
}

/// Whoever wrote the folder one happens to stand in must not choose what runs here, or where secrets are sent.
pub(super) fn foreign(path: &std::path::Path) -> ConfigError {
    let what =
        format!("{} sets '[[alerts.channel]]', and a project's file may come from anyone", path.display());
    ConfigError::new(format!("{what}: it could run commands, or have secrets sent elsewhere"))
        .hint("say it yourself: --config farebox.toml, or ~/.config/farebox/config.toml")
}

#[cfg(test)]
mod tests {
    use super::super::Layer;
    use super::*;

    fn plans(channel: &str) -> Result<Vec<ChannelPlan>, String> {
        let text = format!("[[alerts.channel]]\n{channel}");
        Layer::of_file("f.toml".as_ref(), &text)
            .map(|layer| layer.alerts.channels.unwrap_or_default())
            .map_err(|error| error.text())
    }

    fn open(channel: &str) -> Result<Channel, String> {
        plans(channel)?.remove(0).open().map_err(|error| error.text())
    }

    #[test]
    fn every_kind() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path.display().to_string()
        };
        let url = file("url", "https://hooks.example.com/T0/secret\n");
        let keys =
            file("keys", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nwhsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n");
        for (channel, kind) in [
            (format!("name = \"a\"\nkind = \"slack\"\nurl_file = \"{url}\""), "slack"),
            (format!("name = \"a\"\nkind = \"pagerduty\"\nrouting_key_file = \"{url}\""), "pagerduty"),
            (
                format!(
                    "name = \"a\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/x\"\nsecret_file = \"{keys}\""
                ),
                "webhook",
            ),
            (
                format!(
                    "name = \"a\"\nkind = \"email\"\nhost = \"mail.example.com\"\nusername = \"u\"\npassword_file = \"{url}\"\nfrom = \"a@example.com\"\nto = [\"b@example.com\"]"
                ),
                "email",
            ),
            (
                "name = \"a\"\nkind = \"command\"\ncommand = [\"true\"]\ntimeout = \"5s\"".to_owned(),
                "command",
            ),
        ] {
            let channel = open(&channel).expect("a channel");
            assert_eq!(channel.kind(), kind);
            assert!(!format!("{channel:?}").contains("secret\""));
            if let Way::Webhook(webhook) = &channel.way {
                assert_eq!(webhook.keys.len(), 2);
            }
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let named = "name = \"a\"\n";
        for (channel, told) in [
            ("kind = \"slack\"\nurl_env = \"X\"", "missing field `name`"),
            ("name = \"a b\"\nkind = \"slack\"", "f.toml:2: 'a b' cannot name a channel"),
            ("kind = \"teams\"", "f.toml:3: kind is slack, pagerduty, webhook, email, command, not 'teams'"),
            ("kind = \"slack\"", "f.toml:2: this channel needs 'url_env' or 'url_file'"),
            ("kind = \"slack\"\nurl_env = \"X\"\nurl_file = \"y\"", "this channel has its url in two places"),
            ("kind = \"slack\"\nurl = \"https://x\"", "'url' means nothing to a channel of kind slack"),
            (
                "kind = \"slack\"\nhost = \"x\"\nurl_env = \"X\"",
                "'host' means nothing to a channel of kind slack",
            ),
            ("kind = \"webhook\"\nurl = \"https://x\"", "this channel needs 'secret_env' or 'secret_file'"),
            ("kind = \"email\"\nhost = \"mail.example.com\"\nfrom = \"a@b\"", "this channel needs 'to'"),
            ("kind = \"email\"\nhost = \"h\"\nfrom = \"ab\"\nto = [\"c@d\"]", "'ab' is not an address"),
            (
                "kind = \"email\"\nhost = \"h\"\nsecurity = \"none\"\nfrom = \"a@b\"\nto = [\"c@d\"]",
                "in the clear",
            ),
            (
                "kind = \"email\"\nhost = \"h\"\nsecurity = \"ssl\"\nfrom = \"a@b\"\nto = [\"c@d\"]",
                "security is starttls",
            ),
            ("kind = \"command\"\ncommand = []", "command is a program and its arguments"),
            ("kind = \"command\"\ncommand = [\"x\"]\ntimeout = \"1m\"", "timeout is at most 30 s"),
            ("kind = \"slack\"\nurlenv = \"X\"", "unknown key 'urlenv'\nhint: did you mean 'url_env'?"),
        ] {
            let channel = if channel.starts_with("name") || told.contains("`name`") {
                channel.to_owned()
            } else {
                format!("{named}{channel}")
            };
            let error = plans(&channel).expect_err(&channel);
            assert!(error.contains(told), "{channel}\n{error}");
        }
        let two = "name = \"a\"\nkind = \"command\"\ncommand = [\"x\"]\n[[alerts.channel]]\nname = \"a\"\nkind = \"command\"\ncommand = [\"x\"]";
        assert!(plans(two).expect_err("two").contains("f.toml:6: a second alert channel is named 'a'"));
    }

    #[test]
    fn secrets_that_cannot_be_used_are_not_shown() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("s");
        std::fs::write(&path, "hunter2").expect("a file");
        let path = path.display();
        for (channel, told) in [
            (
                format!("name = \"a\"\nkind = \"slack\"\nurl_file = \"{path}\""),
                "it is not an http or https URL",
            ),
            (
                format!(
                    "name = \"a\"\nkind = \"webhook\"\nurl = \"https://x.example\"\nsecret_file = \"{path}\""
                ),
                "it is not a signing secret",
            ),
            (
                "name = \"a\"\nkind = \"slack\"\nurl_env = \"FAREBOX_NO_SUCH_VARIABLE\"".to_owned(),
                "the variable FAREBOX_NO_SUCH_VARIABLE is not set",
            ),
            (
                "name = \"a\"\nkind = \"slack\"\nurl_file = \"/nowhere/url\"".to_owned(),
                "cannot read /nowhere/url: No such file",
            ),
            (
                "name = \"a\"\nkind = \"webhook\"\nurl = \"https://10.0.0.1/\"\nsecret_env = \"X\""
                    .to_owned(),
                "10.0.0.1 is a private address",
            ),
        ] {
            let error = open(&channel).expect_err(&channel);
            assert!(error.contains(told) && !error.contains("hunter2"), "{error}");
        }
    }
}
