//! [`Account`]: who may ask, and within which limits (CONTRACT 1 to 6).
//!
//! What it is not: the books. It holds keys, guardrails and workspaces; what they spent is in the [`tally`] of the
//! books, and the refusals are made of both.
//!
//! 1. [`caller`] finds whose key a request bears;
//! 2. [`gate`] refuses what is spent, empty, or too often free, all from counters that may lag;
//! 3. [`purse`] refuses what the caller could not pay in full;
//! 4. [`routes`] answers what administers all this.

pub(crate) mod activity;
pub(crate) mod analytics;
pub(crate) mod assignments;
pub(crate) mod budget;
pub(crate) mod caller;
pub(crate) mod credits;
pub(crate) mod fields;
pub(crate) mod flow;
pub(crate) mod gate;
pub(crate) mod guardrail;
pub(crate) mod guardrails;
pub(crate) mod key;
pub(crate) mod keys;
pub(crate) mod own;
pub(crate) mod page;
pub(crate) mod payer;
pub(crate) mod purse;
pub(crate) mod routes;
pub(crate) mod settings;
pub(crate) mod tally;
pub(crate) mod usd;
pub(crate) mod window;
pub(crate) mod workspace;
pub(crate) mod workspaces;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use fastrand::Rng;

use crate::account::guardrail::{Guardrail, Lists, Rules};
use crate::account::key::Key;
use crate::account::workspace::Workspace;
use crate::clock::Moment;
use crate::config::Config;
use crate::error::USER;
use crate::exact::Exact;

/// Ids are drawn from the seed, but not with the numbers that answers are drawn with.
const ID_SEED: u64 = 0x6163_636f_756e_7473;
const DEFAULT_SLUG: &str = "default";

/// The account.
#[derive(Debug)]
pub(crate) struct Account {
    /// All that was ever bought, USD.
    pub(crate) credits: Exact,
    keys: HashMap<Arc<str>, Key>,
    /// Ordinary keys in the order they were made.
    order: Vec<Arc<str>>,
    deleted: HashSet<Arc<str>>,
    /// In the order they were made; those that are a workspace's default are not listed.
    guardrails: Vec<Guardrail>,
    defaults: HashMap<Arc<str>, Guardrail>,
    /// By the hash of the key.
    key_assignments: BTreeMap<Arc<str>, Assignment>,
    /// By the id of the user.
    member_assignments: BTreeMap<Arc<str>, Assignment>,
    workspaces: Vec<Workspace>,
    rng: Rng,
}

/// That a guardrail binds a key or a member.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) id: Arc<str>,
    pub(crate) guardrail: Arc<str>,
    pub(crate) created: Moment,
}

impl Account {
    /// As configured.
    pub(crate) fn new(config: &Config, now: Moment) -> Account {
        let mut account = Account {
            credits: config.bought(),
            keys: HashMap::new(),
            order: Vec::new(),
            deleted: HashSet::new(),
            guardrails: Vec::new(),
            defaults: HashMap::new(),
            key_assignments: BTreeMap::new(),
            member_assignments: BTreeMap::new(),
            workspaces: Vec::new(),
            rng: Rng::with_seed(config.seed ^ ID_SEED),
        };
        account.add_workspace(DEFAULT_SLUG.to_owned(), "Default Workspace".to_owned(), None, now);
        for plaintext in &config.management_keys {
            let mut key = account.unlimited(plaintext.as_bytes(), "management", now);
            key.management = true;
            account.keys.insert(Arc::clone(&key.hash), key);
        }
        for declared in &config.keys {
            let key = declared.key(&account, now);
            account.insert(key);
        }
        account
    }

    pub(crate) fn key(&self, hash: &str) -> Option<&Key> {
        self.keys.get(hash)
    }

    pub(crate) fn key_mut(&mut self, hash: &str) -> Option<&mut Key> {
        self.keys.get_mut(hash)
    }

    /// Ordinary keys, oldest first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.order.iter().filter_map(|hash| self.keys.get(hash))
    }

    pub(crate) fn was_deleted(&self, hash: &str) -> bool {
        self.deleted.contains(hash)
    }

    /// A key of the account's user in the default workspace.
    pub(crate) fn unlimited(&self, plaintext: &[u8], name: &str, now: Moment) -> Key {
        Key::new(plaintext, name, &USER.into(), &self.workspaces[0].id, now)
    }

    /// Adds an ordinary key; one of the same plaintext is replaced.
    pub(crate) fn insert(&mut self, key: Key) {
        let hash = Arc::clone(&key.hash);
        if self.keys.insert(Arc::clone(&hash), key).is_none() {
            self.order.push(hash);
        }
    }

    pub(crate) fn delete(&mut self, hash: &str) {
        if let Some(key) = self.keys.remove(hash) {
            self.order.retain(|own| **own != *hash);
            self.key_assignments.remove(hash);
            self.deleted.insert(key.hash);
        }
    }

    /// A secret that nobody has.
    pub(crate) fn secret(&mut self) -> String {
        let digits: String = (0..64).map(|_| char::from(b"0123456789abcdef"[self.rng.usize(..16)])).collect();
        format!("sk-or-v1-{digits}")
    }

    pub(crate) fn uuid(&mut self) -> Arc<str> {
        let (high, low) = (self.rng.u64(..), self.rng.u64(..));
        let tail = low & 0xffff_ffff_ffff;
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{tail:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0xfff
        )
        .into()
    }

    /// By id or slug.
    pub(crate) fn workspace(&self, name: &str) -> Option<&Workspace> {
        self.workspaces.iter().find(|workspace| &*workspace.id == name || workspace.slug == name)
    }

    pub(crate) fn workspace_mut(&mut self, name: &str) -> Option<&mut Workspace> {
        self.workspaces.iter_mut().find(|workspace| &*workspace.id == name || workspace.slug == name)
    }

    /// The first is where keys go that name none.
    pub(crate) fn workspaces(&self) -> &[Workspace] {
        &self.workspaces
    }

    pub(crate) fn add_workspace(
        &mut self,
        slug: String,
        name: String,
        description: Option<String>,
        now: Moment,
    ) -> &Workspace {
        let (id, guardrail) = (self.uuid(), self.uuid());
        let default = Guardrail {
            id: Arc::clone(&guardrail),
            name: format!("Default of {slug}"),
            description: None,
            workspace: Some(Arc::clone(&id)),
            limit: None,
            include_byok: false,
            lists: Lists::default(),
            rest: serde_json::Map::new(),
            created: now,
            updated: None,
        };
        self.defaults.insert(Arc::clone(&guardrail), default);
        let budgets = Vec::new();
        let workspace = Workspace {
            id,
            slug,
            name,
            description,
            created: now,
            default_guardrail: guardrail,
            include_byok: false,
            budgets,
        };
        self.workspaces.push(workspace);
        &self.workspaces[self.workspaces.len() - 1]
    }

    /// Those that are nobody's default, oldest first.
    pub(crate) fn guardrails(&self) -> &[Guardrail] {
        &self.guardrails
    }

    pub(crate) fn guardrail(&self, id: &str) -> Option<&Guardrail> {
        self.guardrails.iter().find(|guardrail| &*guardrail.id == id).or_else(|| self.defaults.get(id))
    }

    pub(crate) fn guardrail_mut(&mut self, id: &str) -> Option<&mut Guardrail> {
        let listed = self.guardrails.iter_mut().find(|guardrail| &*guardrail.id == id);
        listed.or_else(|| self.defaults.get_mut(id))
    }

    pub(crate) fn add_guardrail(&mut self, guardrail: Guardrail) {
        self.guardrails.push(guardrail);
    }

    /// Deletes it with its assignments; a workspace's default stays.
    pub(crate) fn delete_guardrail(&mut self, id: &str) -> bool {
        let before = self.guardrails.len();
        self.guardrails.retain(|guardrail| &*guardrail.id != id);
        self.key_assignments.retain(|_, assignment| &*assignment.guardrail != id);
        self.member_assignments.retain(|_, assignment| &*assignment.guardrail != id);
        self.guardrails.len() < before
    }

    pub(crate) fn assignments(&self, to: Target) -> &BTreeMap<Arc<str>, Assignment> {
        match to {
            Target::Keys => &self.key_assignments,
            Target::Members => &self.member_assignments,
        }
    }

    pub(crate) fn assignments_mut(&mut self, to: Target) -> &mut BTreeMap<Arc<str>, Assignment> {
        match to {
            Target::Keys => &mut self.key_assignments,
            Target::Members => &mut self.member_assignments,
        }
    }

    pub(crate) fn key_guardrail(&self, hash: &str) -> Option<&Guardrail> {
        self.guardrail(&self.key_assignments.get(hash)?.guardrail)
    }

    pub(crate) fn member_guardrail(&self, user: &str) -> Option<&Guardrail> {
        self.guardrail(&self.member_assignments.get(user)?.guardrail)
    }

    pub(crate) fn default_guardrail(&self, workspace: &str) -> Option<&Guardrail> {
        self.guardrail(&self.workspace(workspace)?.default_guardrail)
    }

    /// The lists that bind a key.
    pub(crate) fn rules(&self, key: &Key) -> Rules {
        let own = [
            self.default_guardrail(&key.workspace),
            self.member_guardrail(&key.creator),
            self.key_guardrail(&key.hash),
        ];
        Rules::of(own.into_iter().flatten())
    }
}

/// What a guardrail is assigned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Keys,
    Members,
}
