//! A configuration file: it is read, or one sentence says what is wrong and in which line. What is read is read the same
//! again, and the same from what TOML's own writer makes of it.

use std::collections::BTreeMap;
use std::fmt::Debug;

use farebox::config::Config;

/// One file.
pub fn run(file: &[u8]) {
    let Ok(text) = std::str::from_utf8(file) else { return };
    let read = |text: &str| Config::of_text("f.toml".into(), text);
    match read(text) {
        Err(error) => {
            assert!(error.message.starts_with("f.toml:"), "no place: {}", error.message);
            assert!(!error.message.contains('\n'), "not one line: {}", error.message);
            assert_eq!(read(text).expect_err("as before"), error);
        }
        Ok(config) => {
            let told = told(&config);
            assert_eq!(self::told(&read(text).expect("as before")), told);
            let table: toml::Table = text.parse().expect("a configuration is TOML");
            let written = toml::to_string(&table).expect("a table can be written");
            assert_eq!(self::told(&read(&written).expect("the same in other words")), told, "{written}");
        }
    }
}

/// All of a configuration as text; what has no order of its own is put into one.
fn told(config: &Config) -> Vec<String> {
    let rules = &config.alerts.rules;
    let mut told = vec![
        format!("{:?} {:?} {:?} {:?}", config.listen, config.console, config.data, config.upstream),
        format!("{:?} {:?}", config.budgets, config.allow_fields),
        format!("{:?} {:?} {:?}", config.allow_unbudgeted, config.durability, config.on_client_gone),
        format!("{:?} {:?} {:?}", config.per_request, config.bounds, config.clamp_min),
        format!("{:?} {:?} {:?}", config.park_max, config.prices_age_max, config.evidence),
        format!("{:?} {:?} {:?}", config.on_overrun, config.alerts.check_every, config.alerts.channels),
        format!("{:?} {:?} {:?}", rules.credits_below, rules.key_below, rules.key_at),
        format!("{:?} {:?}", rules.runway_ms, sorted(&rules.budget_at)),
        format!("{:?}", sorted(&config.fallbacks)),
    ];
    told.extend(config.routes.sorted().iter().map(|route| format!("{route:?}")));
    told
}

fn sorted<'a, K: Ord + 'a, V: Debug + 'a>(
    map: impl IntoIterator<Item = (&'a K, &'a V)>,
) -> BTreeMap<&'a K, &'a V> {
    map.into_iter().collect()
}
