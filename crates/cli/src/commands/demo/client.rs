//! The clients: each makes one call after the other until it is refused for good.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::call::{Caller, Outcome};
use super::crowd::Crowd;
use super::plan::{Menu, Plan};
use super::tally::Tally;

/// The pause before a client knocks again at a gateway that is not there.
const KNOCK_EVERY: Duration = Duration::from_millis(100);

/// How often a client lets itself be told to come back later.
const PATIENCE: u32 = 2;

/// All of them.
#[derive(Debug)]
pub(crate) struct Clients {
    running: JoinSet<()>,
}

impl Clients {
    /// Lets them in, over the first half second.
    pub(crate) fn start(
        count: u32,
        seed: u64,
        menu: Menu,
        gateway: SocketAddr,
        crowd: Crowd,
        tally: Tally,
    ) -> Self {
        let caller = Caller::new(gateway);
        let mut running = JoinSet::new();
        for number in 0..count {
            let client = Client {
                seed,
                menu: menu.clone(),
                caller: caller.clone(),
                crowd: crowd.clone(),
                tally: tally.clone(),
            };
            let comes_in = Duration::from_millis(500) * number / count;
            running.spawn(async move {
                tokio::time::sleep(comes_in).await;
                client.run().await;
            });
        }
        Clients { running }
    }

    /// Waits for a while; whether all are done.
    pub(crate) async fn tick(&mut self, period: Duration) -> bool {
        let all_done = async { while self.running.join_next().await.is_some() {} };
        tokio::time::timeout(period, all_done).await.is_ok()
    }

    /// Everybody leaves, in the middle of whatever it was; returns how many were still there.
    pub(crate) async fn send_home(&mut self) -> usize {
        let there = self.running.len();
        self.running.shutdown().await;
        there
    }
}

struct Client {
    seed: u64,
    menu: Menu,
    caller: Caller,
    crowd: Crowd,
    tally: Tally,
}

impl Client {
    async fn run(self) {
        while let Some(number) = self.crowd.next() {
            let plan = self.menu.plan(self.seed, number);
            if !self.insist(&plan).await {
                return;
            }
        }
    }

    /// Makes a call until it ends in one way or the other; whether the client goes on to another one.
    async fn insist(&self, plan: &Plan) -> bool {
        let mut patience = PATIENCE;
        loop {
            let sent = Instant::now();
            match self.caller.call(plan).await {
                Outcome::Served(served) => {
                    self.tally.served(sent, served);
                    return true;
                }
                Outcome::Refused { needed } => {
                    self.tally.refused(needed);
                    return false;
                }
                Outcome::Other => {
                    self.tally.failed();
                    return true;
                }
                Outcome::Lost => {
                    self.tally.lost();
                    tokio::time::sleep(KNOCK_EVERY).await;
                }
                // Told to wait once too often: that is a no as well.
                Outcome::Later { needed, .. } if patience == 0 => {
                    self.tally.refused(needed);
                    return false;
                }
                Outcome::Later { after, .. } => {
                    patience -= 1;
                    tokio::time::sleep(after).await;
                }
            }
        }
    }
}
