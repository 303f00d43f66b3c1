//! Starts that read no more than matters at once, restored books, and keys that are quiet.

use std::thread;

use admission::{Ask, Clamp, RefusalReason, Shortage};
use ledger::{Evidence, Label, Scope, UpstreamKeyId};

use crate::support::{House, KEY, ask, block_on, bound, budget, millis};

const HOUR: i64 = 3_600_000;

#[test]
fn balances_are_looked_up_when_they_are_needed() {
    let dir = tempfile::tempdir().unwrap();
    let budgets = || vec![budget("all", millis(99_000), &[]), budget("each", millis(200), &[Label::User])];
    let bound = bound(100);
    let spend = |house: &House, user: &str| {
        let ask = Ask { scope: Scope::default().with(Label::User, user), ..ask(&bound, Clamp::Never) };
        let reserved = house.admission.reserve(&ask, HOUR)?;
        block_on(reserved.permit(HOUR)).unwrap().sent().settle(millis(60), "0.06", Evidence::Usage, HOUR);
        Ok::<(), Shortage>(())
    };
    let users: Vec<String> = (0..40).map(|number| format!("user-{number:02}")).collect();
    let house = House::open(dir.path(), budgets(), HOUR);
    users.iter().for_each(|user| spend(&house, user).unwrap());
    house.close();

    let house = House::open(dir.path(), budgets(), HOUR);
    let listed = house.admission.balances(HOUR);
    assert!(listed.complete);
    assert_eq!(listed.len(), 41, "all are listed, though none is in memory");
    assert_eq!((listed[0].posted, listed[40].posted), (millis(40 * 60), millis(60)));
    // Many at the same time need the same ones.
    let spent: usize = thread::scope(|scope| {
        let all = || users.iter().filter(|user| spend(&house, user).is_ok()).count();
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(all)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(spent, 40, "what is left is enough for one more each");
    let again = house.admission.balances(HOUR);
    assert_eq!(again.len(), 41, "each is opened once");
    assert!(again.iter().all(|balance| balance.posted <= balance.limit));
    let Err(Shortage::Refused(refusal)) = spend(&house, "user-00") else { panic!("used up") };
    assert_eq!(refusal.reason, RefusalReason::UsedUp);
    house.close();
    let kept = store::read(dir.path()).unwrap();
    assert_eq!(kept.balances.len(), 41);
}

#[test]
fn restored_books_admit_nothing_until_somebody_accepts() {
    let dir = tempfile::tempdir().unwrap();
    let all = || vec![budget("all", millis(900), &[])];
    let house = House::open_with(dir.path(), all(), (HOUR, HOUR), |recovered| recovered.restored = Some(77));
    let Err(Shortage::Refused(refusal)) = house.reserve(&bound(1), HOUR) else { panic!("restored") };
    assert_eq!((refusal.reason, house.admission.restored()), (RefusalReason::Restored, Some(77)));
    house.admission.accept_restored().unwrap();
    assert!(house.reserve(&bound(1), HOUR).is_ok());
    assert_eq!(house.admission.restored(), None);
}

#[test]
fn a_key_is_quiet_between_its_attempts() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path(), vec![budget("all", millis(900), &[])], HOUR);
    let other = UpstreamKeyId([9; 8]);
    let quiet = || (house.admission.quiet_since(KEY), house.admission.quiet_since(other));
    assert_eq!(quiet(), (Some(HOUR), Some(HOUR)), "since the start");
    house.boot.set(HOUR + 1);
    let reserved = house.reserve(&bound(10), HOUR + 1).unwrap();
    assert_eq!(quiet().0, Some(HOUR), "nothing has left");
    let permit = block_on(reserved.permit(HOUR + 1)).unwrap();
    assert_eq!(quiet(), (None, Some(HOUR)));
    drop(permit);
    assert_eq!(quiet().0, Some(HOUR + 1), "never sent");
    let (one, two) = (house.send(&bound(10), HOUR + 2), house.send(&bound(10), HOUR + 2));
    one.settle(millis(1), "0.001", Evidence::Usage, HOUR + 3);
    assert_eq!(quiet().0, None);
    house.boot.set(HOUR + 4);
    house.admission.tick(HOUR + 4);
    drop(two);
    assert_eq!(quiet(), (Some(HOUR + 4), Some(HOUR)), "unknown, but not in flight");
}
