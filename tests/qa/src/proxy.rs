//! A TCP proxy between one app and the relay that can be as bad as a network gets: slow, narrow, silent, cut, reset.
//!
//! TLS goes through it from end to end, so it can neither read nor change anything.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;
/// Chunks that may be under way in one direction.
const UNDER_WAY: usize = 64;

/// Whether there is a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// There is.
    Up,
    /// Connections end, and new ones come to nothing.
    Cut,
    /// As `Cut`, but connections end with a TCP reset, in the middle of whatever they carry.
    Reset,
    /// Connections stay and are taken, and nothing comes through: what many mobile networks do.
    Stalled,
}

/// How the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Whether there is one.
    pub way: Way,
    /// How much later everything arrives, in each direction.
    pub latency: Duration,
    /// How many bytes pass in a second, in each direction of each connection.
    pub bytes_per_s: Option<u64>,
}

impl Weather {
    /// A good network.
    pub const FAIR: Self = Self {
        way: Way::Up,
        latency: Duration::ZERO,
        bytes_per_s: None,
    };
}

/// The network as connections see it.
#[derive(Clone, Copy, Debug)]
struct Now {
    weather: Weather,
    /// How often connections were ended: one that is older than the last time ends, even if all is well again.
    ended: u64,
    /// Whether it was with a reset, the last time.
    hard: bool,
}

/// A proxy that ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    now: Arc<watch::Sender<Now>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy on a free loopback port to `target`, with a good network.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn to(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let now = Arc::new(watch::Sender::new(Now {
            weather: Weather::FAIR,
            ended: 0,
            hard: false,
        }));
        let task = tokio::spawn(accept(listener, target, Arc::clone(&now)));
        Ok(Self { addr, now, task })
    }

    /// Where apps reach the relay.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes the network, for connections that are open too. What an app writes after that meets the new one: of a network that
    /// is cut or stalled no byte of it comes through.
    pub fn set(&self, weather: Weather) {
        self.now.send_modify(|now| {
            now.weather = weather;
            if matches!(weather.way, Way::Cut | Way::Reset) {
                now.ended += 1;
                now.hard = weather.way == Way::Reset;
            }
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, now: Arc<watch::Sender<Now>>) {
    // Connections end with the proxy.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            taken = listener.accept() => {
                let Ok((client, _)) = taken else { continue };
                let seen = *now.borrow();
                match seen.weather.way {
                    Way::Up | Way::Stalled => {
                        connections.spawn(carry(client, target, now.subscribe(), seen.ended));
                    }
                    Way::Cut => drop(client),
                    Way::Reset => reset(&client),
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The connection ends with a reset once it is dropped.
fn reset(stream: &TcpStream) {
    // Without it the end is an orderly one.
    let _ = stream.set_zero_linger();
}

/// Carries a connection that began when connections had been ended `ended` times.
async fn carry(mut client: TcpStream, target: SocketAddr, mut now: watch::Receiver<Now>, ended: u64) {
    // The relay may be down: the app sees the same as without a proxy.
    let Ok(mut relay) = TcpStream::connect(target).await else {
        return;
    };
    // Small packets go at once, as apps and relay ask for.
    let _ = (client.set_nodelay(true), relay.set_nodelay(true));
    let hard = {
        let (from_client, to_client) = client.split();
        let (from_relay, to_relay) = relay.split();
        let (going, coming) = (now.clone(), now.clone());
        tokio::select! {
            biased;
            over = now.wait_for(|now| now.ended != ended) => over.is_ok_and(|now| now.hard),
            _ = async {
                tokio::join!(one_way(from_client, to_relay, going, ended), one_way(from_relay, to_client, coming, ended))
            } => false,
        }
    };
    if hard {
        reset(&client);
        reset(&relay);
    }
}

/// Carries bytes one way until their source ends; then the other side is told so.
async fn one_way(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut now: watch::Receiver<Now>, ended: u64) {
    let (queue, mut queued) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let latency = now.clone();
    let read = async move {
        loop {
            let mut chunk = vec![0; CHUNK];
            let Ok(length @ 1..) = from.read(&mut chunk).await else {
                return;
            };
            chunk.truncate(length);
            let due = Instant::now() + latency.borrow().weather.latency;
            if queue.send((due, chunk)).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, chunk)) = queued.recv().await {
            sleep_until(due).await;
            // Looked at after the bytes were read: what was written into a bad network never passes here.
            let through = now
                .wait_for(|now| now.ended != ended || now.weather.way != Way::Stalled)
                .await;
            let Ok(seen) = through.map(|now| *now) else {
                return;
            };
            if seen.ended != ended {
                return;
            }
            let narrow = seen.weather.bytes_per_s;
            if to.write_all(&chunk).await.is_err() {
                return;
            }
            if let Some(bytes_per_s) = narrow {
                let millis = chunk.len() as u64 * 1000 / bytes_per_s.max(1);
                sleep(Duration::from_millis(millis)).await;
            }
        }
        // The other side is gone if this fails.
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}
