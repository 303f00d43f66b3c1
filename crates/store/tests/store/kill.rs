//! `kill -9` on a real process at a random instant: everything it acknowledged is there.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use store::Durability;

use crate::story::{declare, held, hold, open, options, settle};

/// Run by the next test: appends as fast as it can and prints what was acknowledged.
#[test]
#[ignore = "the other process of another test"]
fn child_that_is_killed() {
    let Some(dir) = std::env::var_os("STORE_TEST_DIR") else { return };
    let power = std::env::var_os("STORE_TEST_POWER").is_some();
    let durability = if power { Durability::Power } else { Durability::Process };
    let (store, recovered) = open(dir.as_ref(), options(durability));
    if recovered.next_balance == 0 {
        declare(&store, 0);
    }
    let first = recovered.next_hold.max(1);
    println!("first {first}");
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let store = &store;
            scope.spawn(move || {
                for id in (first + thread..).step_by(3) {
                    let at = hold(store, id).unwrap();
                    store.durable(at).wait().unwrap();
                    println!("h {id}");
                    if !id.is_multiple_of(3) {
                        settle(store, id, 1).unwrap();
                        println!("s {id}");
                    }
                }
            });
        }
    });
}

#[test]
fn nothing_acknowledged_is_missing_after_kill_9() {
    let mut random = fastrand::Rng::with_seed(7);
    for power in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (mut settled, mut open_holds) = (0, 0);
        for round in 0..12 {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command
                .args([
                    "--exact",
                    "kill::child_that_is_killed",
                    "--ignored",
                    "--nocapture",
                    "--test-threads=1",
                ])
                .env("STORE_TEST_DIR", dir.path())
                .stdout(Stdio::piped());
            if power {
                command.env("STORE_TEST_POWER", "1");
            }
            let mut child = command.spawn().unwrap();
            let stdout = BufReader::new(child.stdout.take().unwrap());
            let reader = std::thread::spawn(move || stdout.lines().map_while(Result::ok).collect::<Vec<_>>());
            std::thread::sleep(Duration::from_millis(random.u64(20..150)));
            child.kill().unwrap();
            child.wait().unwrap();
            let lines = reader.join().unwrap();
            let durability = if power { Durability::Power } else { Durability::Process };
            let (store, recovered) = open(dir.path(), options(durability));
            assert!(recovered.exact);
            let open_now: std::collections::HashSet<u64> = held(&recovered).into_iter().collect();
            let mut told = (0_u64, 0_i64);
            for line in &lines {
                // The last line may be cut, and the harness prints around the first.
                match line.split_once(' ') {
                    Some(("h", id)) if line != lines.last().unwrap() => {
                        let id: u64 = id.parse().unwrap();
                        assert!(id < recovered.next_hold, "round {round}: hold {id} is missing");
                        assert!(
                            !id.is_multiple_of(3) || open_now.contains(&id),
                            "round {round}: hold {id} is gone"
                        );
                        told.0 += 1;
                    }
                    Some(("s", id)) if line != lines.last().unwrap() => {
                        let id: u64 = id.parse().unwrap();
                        assert!(!open_now.contains(&id), "round {round}: the settlement of {id} is missing");
                        told.1 += 1;
                    }
                    _ => {}
                }
            }
            let posted = recovered.balances.first().map_or(0, |balance| balance.posted.nanos());
            assert!(posted >= settled + told.1, "round {round}");
            assert!(posted <= settled + told.1 + 4, "round {round}: booked what nobody did");
            assert!(open_now.len() as u64 >= open_holds);
            settled = posted;
            open_holds = open_now.len() as u64;
            drop(store);
        }
        assert!(settled > 0 && open_holds > 0, "the child did something");
        let _ =
            writeln!(std::io::stderr(), "power {power}: {settled} settled, {open_holds} open after 12 kills");
    }
}
