//! How long single requests wait for the ledger: the quantiles of matching, reserving and settling, with one balance
//! open and with a million. A reading of the timer is in every figure.

use std::time::Instant;

use ledger::{
    Balance, BalanceId, Balances, Budget, Gap, Index, Label, Places, Scope, Seat, SetId, Share, Straddle,
    Window, WindowKind,
};
use money::Nano;

const REQUESTS: usize = 1_000_000;
const WARM: usize = 1_000;

struct House {
    index: Index,
    money: Balances,
}

impl House {
    fn new(users: &[String]) -> Self {
        let each = Budget {
            name: "each".to_owned(),
            selector: Vec::new(),
            per: [Label::User].into_iter().collect(),
            limit: Nano::from_cents(100_000),
            window: Window::lifetime(),
            straddle: Straddle::Admission,
        };
        let index = Index::new(vec![each], 0, 0);
        let mut house = House { index, money: Balances::with_room_for(users.len()) };
        users.iter().for_each(|user| drop(house.gather(user)));
        house
    }

    fn gather(&mut self, user: &str) -> Places {
        loop {
            match self.index.gather(&scope(user), 0, true) {
                Ok(places) => return places,
                Err(Gap::Missing(missing)) => {
                    let id = BalanceId(u32::try_from(self.index.len()).expect("few"));
                    let slot = self.money.open(Balance::new(id, Nano::from_cents(100_000), None));
                    self.index.insert(missing.budget, &missing.name, slot.expect("there is room"));
                }
                Err(Gap::Shut(_)) => unreachable!("windows may turn"),
            }
        }
    }

    fn warm(&mut self, user: &str) {
        let places = self.gather(user);
        let set = self.index.intern(SetId(0), &places);
        self.index.remember(&scope(user), set);
    }

    fn request(&mut self, user: &str) {
        let bound = Nano::from_nanos(5_000);
        let found = self.index.find(&scope(user), 0);
        let places = if found.is_none() { Some(self.gather(user)) } else { None };
        let cold = places.as_ref().map(|places| places.seats.as_slice());
        let seats = cold.or_else(|| found.as_ref().map(|found| found.set.seats())).unwrap_or_default();
        let held = self.money.reserve(seats, bound, bound, Share::Whole, 0).expect("there is money");
        self.money.settle(seats, held, Nano::ZERO, 0);
    }
}

fn scope(user: &str) -> Scope<'_> {
    Scope::default().with(Label::User, user)
}

fn quantiles(house: &mut House, users: &[String], told: &str) {
    let mut took: Vec<u64> = (0..REQUESTS)
        .map(|number| {
            let user = &users[(number * 7_919) % users.len()];
            let since = Instant::now();
            house.request(user);
            u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
        })
        .collect();
    took.sort_unstable();
    let at = |share: usize| took[REQUESTS / 1_000 * share];
    println!("{told}: p50 {} ns, p99 {} ns, p99.9 {} ns", at(500), at(990), at(999));
}

/// What one reserve and settle on four balances take, without the timer and without what else the machine does: the
/// median of many batches.
fn four_balances(window: &str) {
    const BATCH: u32 = 100;
    let mut money = Balances::with_room_for(4);
    let seats: Vec<Seat> = (0..4)
        .map(|id| {
            let balance = Balance::new(BalanceId(id), Nano::from_cents(100_000), None);
            let slot = match WindowKind::from_words(window) {
                Some(WindowKind::Rolling(rolling)) => money.open_rolling(balance, rolling, &[], 0),
                _ => money.open(balance),
            };
            Seat::plain(slot.expect("there is room"))
        })
        .collect();
    let bound = Nano::from_nanos(5_000);
    let mut took: Vec<u128> = (0..REQUESTS / 100)
        .map(|_| {
            let since = Instant::now();
            for _ in 0..BATCH {
                let seats = std::hint::black_box(seats.as_slice());
                let held = money.reserve(seats, bound, bound, Share::Whole, 0).expect("there is money");
                money.settle(seats, held, Nano::ZERO, 0);
            }
            since.elapsed().as_nanos() / u128::from(BATCH)
        })
        .collect();
    took.sort_unstable();
    println!("reserve+settle on 4 balances, {window}: {} ns", took[took.len() / 2]);
}

fn main() {
    four_balances("lifetime");
    four_balances("rolling 5h");
    let users: Vec<String> = (0..1_000_000).map(|number| format!("user-{number:08}")).collect();
    let mut one = House::new(&users[..1]);
    one.warm(&users[0]);
    quantiles(&mut one, &users[..1], "one balance, warm");
    let mut all = House::new(&users);
    users[..WARM].iter().for_each(|user| all.warm(user));
    quantiles(&mut all, &users[..1], "one of a million balances, warm");
    quantiles(&mut all, &users[..WARM], "a thousand of a million balances in turn, warm");
    quantiles(&mut all, &users, "a million balances in turn, nearly all cold");
}
