//! [`Sandbox`]: the listener, and [`State`]: what all connections share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use parking_lot::{Mutex, MutexGuard, RwLock};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::account::Account;
use crate::account::flow::Flow;
use crate::bill::Bill;
use crate::books::Books;
use crate::catalogue::Catalogue;
use crate::clock::Moment;
use crate::config::Config;
use crate::faults::Faults;
use crate::{router, tokens};

const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// A running sandbox. Dropping it ends it without waiting.
#[derive(Debug)]
pub struct Sandbox {
    state: Arc<State>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    accepting: Option<JoinHandle<()>>,
}

/// What all connections share. Locks are taken in the order of the fields, and never over anything long.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) faults: RwLock<Faults>,
    pub(crate) account: RwLock<Account>,
    pub(crate) flow: Mutex<Flow>,
    books: Mutex<Books>,
    /// How often a body has come, by its hash.
    pub(crate) seen: Mutex<HashMap<u64, u64>>,
    catalogue: RwLock<Arc<Catalogue>>,
    /// Milliseconds that its clock is ahead of the wall's.
    clock_offset_ms: AtomicI64,
}

impl State {
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.read())
    }

    /// The books as they are now: what has become due is booked.
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        let mut books = self.books.lock();
        books.ripen(self.now(), self.config.counter_lag_ms);
        books
    }

    /// The time, as the sandbox has it.
    pub(crate) fn now(&self) -> Moment {
        Moment::now().moved(self.clock_offset_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn set_clock(&self, offset_ms: i64) {
        self.clock_offset_ms.store(offset_ms, Ordering::Relaxed);
    }

    pub(crate) fn clock_offset_ms(&self) -> i64 {
        self.clock_offset_ms.load(Ordering::Relaxed)
    }

    /// As it was at the start, but for the faults.
    pub(crate) fn reset(&self) {
        self.set_clock(0);
        *self.account.write() = Account::new(&self.config, self.now());
        *self.flow.lock() = Flow::default();
        *self.books.lock() = Books::default();
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        let mut own = self.faults.write();
        if let Some(thousandths) = faults.thousandths().filter(|_| own.price_factor != faults.price_factor) {
            *self.catalogue.write() = Arc::new(Catalogue::load(thousandths));
        }
        *own = faults;
    }
}

impl Sandbox {
    /// Listens and answers until it is stopped.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(listen: SocketAddr, config: Config) -> std::io::Result<Sandbox> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let thousandths = config.faults.thousandths().unwrap_or(1000);
        let state = Arc::new(State {
            faults: RwLock::new(config.faults.clone()),
            account: RwLock::new(Account::new(&config, Moment::now())),
            flow: Mutex::default(),
            clock_offset_ms: AtomicI64::new(0),
            books: Mutex::default(),
            seen: Mutex::default(),
            catalogue: RwLock::new(Arc::new(Catalogue::load(thousandths))),
            config,
        });
        tokio::task::spawn_blocking(tokens::warm);
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state), stopped));
        Ok(Sandbox { state, address, stop: Some(stop), accepting: Some(accepting) })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Everything billed so far.
    pub fn bill(&self) -> Bill {
        self.state.books().bill()
    }

    /// Puts other faults in force, for requests from now on. A price factor that cannot be read leaves the prices.
    pub fn set_faults(&self, faults: Faults) {
        self.state.set_faults(faults);
    }

    /// Closes every connection and waits until all are gone.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&state)));
                }
                // Too many open files, most likely: let some close.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
        }
    }
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { router::answer(&state, request).await }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(256 << 10);
    builder.http2().timer(TokioTimer::new());
    // An error here is the client's doing, or a cut on purpose.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}
