//! A TCP proxy between one client and the relay that can be cut, and that can swallow the relay's answers.
//!
//! Knows nothing of TLS but how to tell the end of a handshake, so that in swallowing mode fresh connections still come
//! up and it is the request whose answer is lost.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The fake ChangeCipherSpec of TLS 1.3 (RFC 8446 D.4): sent before the client's handshake is done.
const CHANGE_CIPHER_SPEC: [u8; 6] = [0x14, 3, 3, 0, 1, 1];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Whole,
    Swallowing,
    Cut,
}

#[derive(Clone, Copy)]
struct State {
    mode: Mode,
    /// Connections of an older generation were cut.
    generation: u64,
}

/// The way from one person to the relay. Whole at first. It ends, and cuts, when dropped.
#[derive(Debug)]
pub struct Cable {
    addr: SocketAddr,
    state: watch::Sender<State>,
    swallowed: watch::Receiver<u64>,
    tape: Tape,
    listener: JoinHandle<()>,
}

/// What was carried, if anybody wants to know.
type Tape = Arc<Mutex<Option<Vec<u8>>>>;

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.mode {
            Mode::Whole => "whole",
            Mode::Swallowing => "swallowing",
            Mode::Cut => "cut",
        })
    }
}

impl Cable {
    /// Listens on a free loopback port and carries every connection to `relay`. Needs a Tokio runtime.
    ///
    /// # Errors
    /// The operating system's, where no port is free.
    pub async fn to(relay: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let state = watch::Sender::new(State {
            mode: Mode::Whole,
            generation: 0,
        });
        let (count, swallowed) = watch::channel(0);
        let tape = Tape::default();
        let listener = tokio::spawn(accept(
            listener,
            relay,
            state.subscribe(),
            Arc::new(count),
            Arc::clone(&tape),
        ));
        Ok(Self {
            addr,
            state,
            swallowed,
            tape,
            listener,
        })
    }

    /// Where the client connects to.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Breaks every connection; new ones are closed at once.
    pub fn cut(&self) {
        self.state.send_modify(|state| {
            state.mode = Mode::Cut;
            state.generation += 1;
        });
    }

    /// From now on requests reach the relay and its answers are dropped, on connections that are up and on new ones: the
    /// client sees a time-out. The live stream falls silent too. Answers that are under way are lost as well: wait until what was
    /// sent before is settled, if that matters.
    pub fn swallow_answers(&self) {
        self.state.send_modify(|state| state.mode = Mode::Swallowing);
    }

    /// Makes it whole again. Connections that have lost bytes break, as they would on a network; the others go on.
    pub fn restore(&self) {
        self.state.send_modify(|state| state.mode = Mode::Whole);
    }

    /// Keeps a copy of every byte that it carries from now on, of both directions as they come. The first call counts.
    pub fn record(&self) {
        self.tape
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_default();
    }

    /// What was recorded so far; empty without [`Cable::record`].
    pub fn recorded(&self) -> Vec<u8> {
        self.tape
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .unwrap_or_default()
    }

    /// Whether it is cut.
    pub fn is_cut(&self) -> bool {
        self.state.borrow().mode == Mode::Cut
    }

    /// Bytes of answers that were swallowed so far.
    pub fn swallowed(&self) -> u64 {
        *self.swallowed.borrow()
    }

    /// Waits until more than `than` bytes were swallowed: the relay has answered something that the client will never see.
    pub async fn until_swallowed(&self, than: u64) {
        let mut swallowed = self.swallowed.clone();
        // The sender lives in the listener's task, which ends with this value.
        let _ = swallowed.wait_for(|bytes| *bytes > than).await;
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.cut();
        self.listener.abort();
    }
}

async fn accept(
    listener: TcpListener,
    relay: SocketAddr,
    state: watch::Receiver<State>,
    swallowed: Arc<watch::Sender<u64>>,
    tape: Tape,
) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of file descriptors, or the client has gone again: others may come.
            tokio::task::yield_now().await;
            continue;
        };
        let now = *state.borrow();
        if now.mode != Mode::Cut {
            let wire = Wire {
                state: state.clone(),
                generation: now.generation,
                lost: AtomicBool::new(false),
                greeted: AtomicBool::new(false),
                replied: AtomicBool::new(false),
                swallowed: Arc::clone(&swallowed),
                tape: Arc::clone(&tape),
            };
            tokio::spawn(wire.carry(client, relay));
        }
    }
}

/// One connection.
struct Wire {
    state: watch::Receiver<State>,
    generation: u64,
    /// Bytes of the relay were dropped: the connection cannot become whole again.
    lost: AtomicBool,
    /// The relay has said something.
    greeted: AtomicBool,
    /// The client has gone on after the relay's first words: its handshake is done.
    replied: AtomicBool,
    swallowed: Arc<watch::Sender<u64>>,
    tape: Tape,
}

impl Wire {
    async fn carry(self, client: TcpStream, relay: SocketAddr) {
        let Ok(relay) = TcpStream::connect(relay).await else {
            return;
        };
        // A delayed packet is no error, only slow.
        let _ = client.set_nodelay(true).and(relay.set_nodelay(true));
        let (client_reads, client_writes) = client.into_split();
        let (relay_reads, relay_writes) = relay.into_split();
        tokio::select! {
            () = self.broken() => {}
            _ = self.up(client_reads, relay_writes) => {}
            _ = self.down(relay_reads, client_writes) => {}
        }
    }

    async fn broken(&self) {
        let mut state = self.state.clone();
        // A cable that is gone is cut.
        let _ = state
            .wait_for(|state| {
                state.generation != self.generation || (state.mode == Mode::Whole && self.lost.load(Ordering::SeqCst))
            })
            .await;
    }

    fn tape(&self, bytes: &[u8]) {
        if let Some(tape) = &mut *self.tape.lock().unwrap_or_else(PoisonError::into_inner) {
            tape.extend_from_slice(bytes);
        }
    }

    async fn up(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let n = from.read(&mut buffer).await?;
            let bytes = buffer.get(..n).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(());
            }
            self.tape(bytes);
            if self.greeted.load(Ordering::SeqCst) && bytes != CHANGE_CIPHER_SPEC {
                self.replied.store(true, Ordering::SeqCst);
            }
            to.write_all(bytes).await?;
        }
    }

    async fn down(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let n = from.read(&mut buffer).await?;
            let bytes = buffer.get(..n).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(());
            }
            self.tape(bytes);
            let lost = self.lost.load(Ordering::SeqCst);
            let swallowing = self.state.borrow().mode == Mode::Swallowing && self.replied.load(Ordering::SeqCst);
            if lost || swallowing {
                self.lost.store(true, Ordering::SeqCst);
                self.swallowed.send_modify(|count| *count += n as u64);
                if self.state.borrow().mode == Mode::Whole {
                    // Restored between the two looks: nobody else would notice.
                    return Ok(());
                }
                continue;
            }
            to.write_all(bytes).await?;
            self.greeted.store(true, Ordering::SeqCst);
        }
    }
}
