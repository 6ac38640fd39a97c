//! Limits by user and by connection.

use std::time::Duration;

use curo_types::ErrorCode;
use curo_types::api::{DirectoryAnswer, DirectoryQuery};
use reqwest::Method;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::device::Device;
use crate::world::{World, problem};

#[tokio::test]
async fn a_user_who_asks_too_often_waits_and_nobody_else_does() {
    let world = World::start_with(|config| config.limits.requests_per_user_per_second = 2).await;
    // Each has 20 requests at once, of which signing in and registering took two.
    let anna = Device::new(&world, "anna").await;
    let ben = Device::new(&world, "ben").await;
    let ask = async |device: &Device| {
        let users = vec![device.user()];
        device
            .post::<DirectoryAnswer>(&world, "/v1/directory", &DirectoryQuery { users })
            .await
    };
    for _ in 0..18 {
        ask(&anna).await.unwrap();
    }
    let refused = ask(&anna).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RATE_LIMITED);
    assert_eq!(refused.retry_after_ms, Some(500));
    // Another token, another device and the same user: the same bucket.
    let again = world
        .post::<curo_types::api::SessionAnswer>(&world.token("anna"), "/v1/session", &())
        .await;
    assert_eq!(again.unwrap_err().code, ErrorCode::RATE_LIMITED);
    ask(&ben).await.unwrap();
    world.clock.advance_ms(500);
    ask(&anna).await.unwrap();
    assert_eq!(ask(&anna).await.unwrap_err().code, ErrorCode::RATE_LIMITED);
    // Without a token nobody is charged, and what needs none goes on.
    let health = world.request(Method::GET, "/healthz").send().await.unwrap();
    assert!(health.status().is_success());
}

#[tokio::test]
async fn bytes_count_whether_announced_or_not() {
    let world = World::start_with(|config| config.limits.bytes_per_user_per_second = 10_000).await;
    for announced in [true, false] {
        let device = Device::new(&world, if announced { "anna" } else { "ben" }).await;
        let user = device.user();
        let text = format!("{{\"users\":[\"{user}\"],\"later\":\"{}\"}}", "x".repeat(120_000));
        let send = || {
            let body = match announced {
                true => reqwest::Body::from(text.clone()),
                false => reqwest::Body::wrap_stream(tokio_stream::once(Ok::<_, std::io::Error>(text.clone()))),
            };
            let request = device.request(&world, Method::POST, "/v1/directory");
            request.header("content-type", "application/json").body(body).send()
        };
        let first = send().await.unwrap();
        assert!(
            first.status().is_success(),
            "one request may be larger than the bucket: {first:?}"
        );
        let refused = problem(send().await.unwrap()).await;
        assert_eq!(refused.code, ErrorCode::RATE_LIMITED);
        world.clock.advance_ms(refused.retry_after_ms.unwrap());
        assert!(send().await.unwrap().status().is_success());
    }
}

#[tokio::test]
async fn one_connection_too_many_is_closed_until_another_ends() {
    let world = World::start_with(|config| config.limits.connections = 2).await;
    let addr = world.relay.as_ref().unwrap().addr();
    let health = async || world.http1().get(world.url("/healthz")).send().await;
    let first = TcpStream::connect(addr).await.unwrap();
    let second = TcpStream::connect(addr).await.unwrap();
    // A connection counts from its acceptance on; the third is refused once both were accepted.
    let mut third = TcpStream::connect(addr).await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(5), third.read(&mut [0; 1])).await;
    assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
    assert!(health().await.is_err());
    drop((first, second));
    let waiting = async {
        while health().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .expect("there is room again");
}

#[tokio::test]
async fn a_tenant_that_asks_too_often_waits_and_no_other_does() {
    let world = World::start_with(|config| config.limits.requests_per_tenant_per_second = 2).await;
    // 20 requests at once, of which signing in and registering took two each.
    let anna = Device::new(&world, "anna").await;
    let ben = Device::new(&world, "ben").await;
    let luke = Device::of(&world, &crate::world::other_tenant(), "luke").await;
    let ask = async |device: &Device| {
        let users = vec![device.user()];
        device
            .post::<DirectoryAnswer>(&world, "/v1/directory", &DirectoryQuery { users })
            .await
    };
    for n in 0..16 {
        ask(if n % 2 == 0 { &anna } else { &ben }).await.unwrap();
    }
    for device in [&anna, &ben] {
        let refused = ask(device).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::RATE_LIMITED);
        assert_eq!(refused.retry_after_ms, Some(500));
    }
    ask(&luke).await.unwrap();
    world.clock.advance_ms(500);
    ask(&ben).await.unwrap();
    assert_eq!(ask(&anna).await.unwrap_err().code, ErrorCode::RATE_LIMITED);
}
