//! The network between apps and relay.

use std::io::ErrorKind;
use std::time::Duration;

use curo_qa::{Proxy, Way, Weather};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// What comes is sent back.
async fn echo() -> (Proxy, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::to(listener.local_addr().unwrap()).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    let stream = TcpStream::connect(proxy.addr()).await.unwrap();
    (proxy, stream)
}

async fn comes_back(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
    let mut back = vec![0; bytes.len()];
    timeout(Duration::from_secs(20), stream.read_exact(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(back, bytes);
}

const fn way(way: Way) -> Weather {
    Weather { way, ..Weather::FAIR }
}

#[tokio::test]
async fn a_good_network_carries_everything() {
    let (_proxy, mut stream) = echo().await;
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (mut from, mut to) = stream.split();
    let mut back = vec![0; bytes.len()];
    let (sent, read) = tokio::join!(to.write_all(&bytes), from.read_exact(&mut back));
    sent.unwrap();
    read.unwrap();
    assert_eq!(back, bytes);
}

#[tokio::test]
async fn cut_ends_what_is_open_and_takes_nothing_new_until_it_is_up() {
    let (proxy, mut stream) = echo().await;
    comes_back(&mut stream, b"hello").await;
    proxy.set(way(Way::Cut));
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    let mut new = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(new.read(&mut [0; 1]).await.unwrap_or(0), 0);
    proxy.set(Weather::FAIR);
    let mut new = TcpStream::connect(proxy.addr()).await.unwrap();
    comes_back(&mut new, b"again").await;
}

#[tokio::test]
async fn reset_ends_with_a_reset() {
    let (proxy, mut stream) = echo().await;
    comes_back(&mut stream, b"hello").await;
    proxy.set(way(Way::Reset));
    let ended = timeout(Duration::from_secs(20), stream.read(&mut [0; 1]))
        .await
        .unwrap();
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_written_into_a_bad_network_comes_through() {
    for _ in 0..50 {
        let (proxy, mut stream) = echo().await;
        comes_back(&mut stream, b"hello").await;
        proxy.set(way(Way::Cut));
        // It may be refused: the end may be here already.
        let _ = stream.write_all(b"too late").await;
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    }
}

#[tokio::test]
async fn a_cut_of_a_moment_ends_what_was_open() {
    let (proxy, mut stream) = echo().await;
    comes_back(&mut stream, b"hello").await;
    proxy.set(way(Way::Cut));
    proxy.set(Weather::FAIR);
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    let mut new = TcpStream::connect(proxy.addr()).await.unwrap();
    comes_back(&mut new, b"again").await;
}

#[tokio::test]
async fn stalled_keeps_everything_back_and_loses_nothing() {
    let (proxy, mut stream) = echo().await;
    comes_back(&mut stream, b"hello").await;
    proxy.set(way(Way::Stalled));
    stream.write_all(b"later").await.unwrap();
    let mut back = [0; 5];
    assert!(
        timeout(Duration::from_millis(300), stream.read_exact(&mut back))
            .await
            .is_err()
    );
    proxy.set(Weather::FAIR);
    timeout(Duration::from_secs(20), stream.read_exact(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&back, b"later");
}

#[tokio::test]
async fn slow_and_narrow_networks_take_at_least_their_time() {
    let (proxy, mut stream) = echo().await;
    proxy.set(Weather {
        latency: Duration::from_millis(150),
        ..Weather::FAIR
    });
    let began = std::time::Instant::now();
    comes_back(&mut stream, b"there and back").await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    proxy.set(Weather {
        bytes_per_s: Some(100_000),
        ..Weather::FAIR
    });
    let began = std::time::Instant::now();
    comes_back(&mut stream, &[7; 32 * 1024]).await;
    // The second half waits for the first, which takes 163 ms; parts of milliseconds are not counted.
    assert!(began.elapsed() >= Duration::from_millis(100), "{:?}", began.elapsed());
}
