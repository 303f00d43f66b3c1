//! What fails outside: disk, books, clock, a second process. Money fails closed, each with one clear sentence that
//! `/readyz` has too, and opens by itself once the cause is gone; but for a sync that failed, which needs a restart.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use gateway::Clock;
use ledger::Window;
use money::Nano;
use store::{BootId, Disk, DiskFile, Durability, OpenError, Options, RealDisk, Store};

use crate::support::house::options;
use crate::support::upstream::answer;
use crate::support::{Answer, House, Setup, chat, ms, until};

const DAY_MS: i64 = 86_400_000;

/// A disk that fails when told to.
#[derive(Clone, Debug, Default)]
struct Rotten(Arc<Faults>);

#[derive(Debug, Default)]
struct Faults {
    no_room: AtomicBool,
    sync_fails: AtomicBool,
}

#[derive(Debug)]
struct File(Arc<dyn DiskFile>, Arc<Faults>);

impl Disk for Rotten {
    fn boot_id(&self) -> Option<BootId> {
        RealDisk.boot_id()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(dir)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        if self.0.no_room.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = RealDisk.create(path, bytes)?;
        Ok(Arc::new(File(file, Arc::clone(&self.0))))
    }

    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn DiskFile>> {
        let file = RealDisk.open(path, write)?;
        Ok(Arc::new(File(file, Arc::clone(&self.0))))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

impl DiskFile for File {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        self.0.next_data(offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.1.sync_fails.load(Ordering::SeqCst) {
            true => Err(io::Error::other("injected sync error")),
            false => self.0.sync_data(),
        }
    }

    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }
}

fn assert_closed(answer: &Answer, reason: &str, says: &str) {
    assert_eq!((answer.status, answer.reason()), (503, reason), "{}", answer.text());
    assert!(answer.message().contains(says), "{}", answer.message());
    let seconds: u64 = answer.header("retry-after").expect("a wait").parse().expect("seconds");
    assert!(seconds <= 60);
}

fn unready(house: &House) -> String {
    house.gateway.ready().expect_err("not ready").join("; ")
}

/// Calls until one is turned away.
async fn until_turned_away(house: &House, most: usize) -> Answer {
    for _ in 0..most {
        let answer = house.chat_by(answer("gen-1", "0.0001"), &chat("")).await;
        if answer.status != 200 {
            return answer;
        }
    }
    panic!("{most} calls and none was turned away");
}

async fn until_served(house: &House) {
    let served = async {
        while house.chat(&chat("")).await.status != 200 {
            tokio::time::sleep(ms(20)).await;
        }
    };
    crate::support::soon("a call is served again", served).await;
}

/// Small segments, quickly tried again.
fn small() -> Options {
    Options { segment_bytes: Options::SEGMENT_BYTES_MIN, retry_after: ms(20), ..options() }
}

#[tokio::test]
async fn a_disk_that_is_full_and_then_is_not() {
    let disk = Rotten::default();
    let setup = Setup { options: small(), disk: Arc::new(disk.clone()), ..Setup::new() };
    let house = setup.limit(Nano::from_cents(10_000)).open().await;
    disk.0.no_room.store(true, Ordering::SeqCst);
    let sent = |house: &House| house.upstream.chats().len();
    let refused = until_turned_away(&house, 2_000).await;
    assert_closed(&refused, "journal", "cannot write its journal, so nothing is forwarded");
    let before = sent(&house);
    assert_eq!(house.chat(&chat("")).await.status, 503);
    assert_eq!(sent(&house), before, "nothing is forwarded");
    assert!(unready(&house).contains("no room on disk"), "{}", unready(&house));
    disk.0.no_room.store(false, Ordering::SeqCst);
    until_served(&house).await;
    assert_eq!(house.gateway.ready(), Ok(()));
}

#[tokio::test]
async fn a_sync_that_failed_needs_a_restart() {
    let disk = Rotten::default();
    let power = Options { durability: Durability::Power, ..options() };
    let house = Setup { options: power, disk: Arc::new(disk.clone()), ..Setup::new() }.open().await;
    assert_eq!(house.chat(&chat("")).await.status, 200);
    disk.0.sync_fails.store(true, Ordering::SeqCst);
    assert_closed(&house.chat(&chat("")).await, "journal", "GET /readyz says why");
    assert!(unready(&house).contains("injected sync error"), "{}", unready(&house));
    disk.0.sync_fails.store(false, Ordering::SeqCst);
    tokio::time::sleep(ms(100)).await;
    assert_closed(&house.chat(&chat("")).await, "journal", "nothing is forwarded");
    assert_eq!(house.upstream.chats().len(), 1, "nothing was sent since");
    let House { dir, admission, gateway, .. } = house;
    gateway.stop_background();
    drop((admission, gateway));
    // The lock goes with the last of the store, which the server still has: a copy is as good.
    let copy = tempfile::tempdir().expect("a folder");
    copy_all(dir.path(), copy.path());
    let again = Setup::new().open_again(copy).await;
    assert_eq!(again.chat(&chat("")).await.status, 200);
}

fn copy_all(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            std::fs::create_dir(&target).expect("a folder");
            copy_all(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}

#[tokio::test]
async fn books_that_another_program_has_locked_fill_the_journal_until_it_lets_go() {
    let slow = Options { journal_bytes_max: 3 * Options::SEGMENT_BYTES_MIN, ship_grace: ms(50), ..small() };
    let house = Setup { options: slow, ..Setup::new() }.limit(Nano::from_cents(10_000)).open().await;
    assert_eq!(house.chat(&chat("")).await.status, 200);
    house.admission.books().flush().expect("shipped");
    let other = rusqlite::Connection::open(house.dir.path().join("farebox.db")).expect("the books");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let refused = until_turned_away(&house, 4_000).await;
    assert_closed(&refused, "journal", "nothing is forwarded");
    let why = unready(&house);
    assert!(
        why.contains("books") && (why.contains("locked") || why.contains("not in the books yet")),
        "{why}"
    );
    other.execute_batch("ROLLBACK").expect("let go");
    until_served(&house).await;
    until("ready", || house.gateway.ready().is_ok()).await;
}

#[tokio::test]
async fn a_second_process_is_told_who_has_the_folder() {
    let house = House::new().await;
    let error = Store::open(house.dir.path(), options()).expect_err("it is in use");
    assert!(matches!(error, OpenError::Held { pid: Some(pid), .. } if pid == std::process::id()), "{error}");
    assert_eq!(house.chat(&chat("")).await.status, 200, "the first one goes on");
    house.end().await;
}

/// So long before midnight a house begins, milliseconds: longer than it takes to set it up.
const BEFORE_MIDNIGHT_MS: i64 = 4_000;

/// A house with a budget per day just before midnight, and its clock.
async fn house_before_midnight() -> (House, Arc<AtomicI64>) {
    let now_ms = Clock::default().now_ms();
    let midnight_ms = now_ms - now_ms.rem_euclid(DAY_MS) + DAY_MS;
    let shift = Arc::new(AtomicI64::new(midnight_ms - BEFORE_MIDNIGHT_MS - now_ms));
    let clock = Clock::shifted(Arc::clone(&shift));
    let window = Window::new("day", "UTC").expect("a window");
    let setup = Setup { window, ..Setup::new() }.with(|config| config.clock = clock);
    (setup.open().await, shift)
}

/// Calls until midnight has passed and the next day cannot begin.
async fn until_the_clock_is_doubted(house: &House) -> Answer {
    let doubted = async {
        loop {
            let answer = house.chat(&chat("")).await;
            if answer.status != 200 {
                return answer;
            }
            tokio::time::sleep(ms(20)).await;
        }
    };
    crate::support::soon("midnight passes", doubted).await
}

#[tokio::test]
async fn a_clock_that_jumped_goes_on_in_its_window_and_opens_no_other() {
    for by_ms in [DAY_MS, -DAY_MS] {
        let (house, shift) = house_before_midnight().await;
        shift.fetch_add(by_ms, Ordering::SeqCst);
        let served = house.chat(&chat("")).await;
        assert_eq!(served.status, 200, "today goes on: {}", served.text());
        let refused = until_the_clock_is_doubted(&house).await;
        assert_closed(&refused, "clock", "The clock of Farebox's machine jumped");
        let sent = house.upstream.chats().len();
        assert_closed(&house.chat(&chat("")).await, "clock", "OpenRouter's Date agrees");
        assert_eq!(house.upstream.chats().len(), sent, "nothing is forwarded");
        let way = if by_ms > 0 { "seconds ahead" } else { "seconds behind" };
        assert!(unready(&house).contains(way), "{}", unready(&house));
        shift.fetch_sub(by_ms, Ordering::SeqCst);
        until_served(&house).await;
        assert_eq!(house.gateway.ready(), Ok(()), "it opened by itself");
    }
}

#[tokio::test]
async fn a_jump_that_openrouter_agrees_with_is_believed() {
    let (house, shift) = house_before_midnight().await;
    house.upstream.date(Clock::shifted(Arc::clone(&shift)).now_ms());
    shift.fetch_add(DAY_MS, Ordering::SeqCst);
    assert_closed(&until_the_clock_is_doubted(&house).await, "clock", "jumped");
    house.upstream.date(Clock::shifted(shift).now_ms());
    until_served(&house).await;
    assert_eq!(house.gateway.ready(), Ok(()));
}
