//! The clock record: of use in the boot of the machine that it was written in, and in no other.

use std::io;
use std::path::Path;
use std::sync::Arc;

use store::{BootId, Disk, DiskFile, Durability, RealDisk, Record, Recovered, Store};

use crate::story::{declare, options};

/// The real disk in some boot of the machine.
#[derive(Debug)]
struct Boot(Option<BootId>);

impl Disk for Boot {
    fn boot_id(&self) -> Option<BootId> {
        self.0
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(dir)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.create(path, bytes)
    }

    fn open(&self, path: &Path, write: bool) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.open(path, write)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

fn start(dir: &Path, boot: Option<u8>) -> (Store, Recovered) {
    let disk = Arc::new(Boot(boot.map(|boot| [boot; 16])));
    Store::open_on(dir, options(Durability::Power), disk).unwrap()
}

#[test]
fn the_clock_of_this_boot_comes_back_and_no_other() {
    for shipped in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let end = |store: Store| if shipped { store.close().unwrap() } else { drop(store) };
        let (store, recovered) = start(dir.path(), Some(1));
        assert_eq!(recovered.clock, None);
        store.append(&Record::Clock { at_ms: 1_000, boot_ms: 10 }).unwrap();
        store.append(&Record::Clock { at_ms: 2_000, boot_ms: 1_010 }).unwrap();
        end(store);
        let (store, recovered) = start(dir.path(), Some(1));
        assert_eq!(recovered.clock, Some((2_000, 1_010)), "the last one");
        end(store);
        let (store, recovered) = start(dir.path(), Some(2));
        assert_eq!(recovered.clock, None, "the machine restarted");
        declare(&store, 0);
        end(store);
        let (store, recovered) = start(dir.path(), Some(2));
        assert_eq!(recovered.clock, None, "this boot has said nothing of the time yet");
        store.append(&Record::Clock { at_ms: 9_000, boot_ms: 5 }).unwrap();
        end(store);
        let (store, recovered) = start(dir.path(), Some(2));
        assert_eq!(recovered.clock, Some((9_000, 5)));
        end(store);
        let (store, recovered) = start(dir.path(), None);
        assert_eq!(recovered.clock, None, "a boot without a name is no boot in particular");
        store.append(&Record::Clock { at_ms: 9_500, boot_ms: 7 }).unwrap();
        end(store);
        assert_eq!(start(dir.path(), None).1.clock, None);
    }
}
