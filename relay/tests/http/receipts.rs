//! `PUT /v1/conversations/{id}/receipt` (8.3).

use curo_types::api::{PutReceipt, ReceiptTaken};
use curo_types::{Blob, ErrorCode};
use reqwest::Method;
use serde_json::json;

use crate::device::{Device, Talk, pair};
use crate::world::{Answer, World};

async fn put(world: &World, device: &Device, talk: Talk, receipt: &PutReceipt) -> Answer<ReceiptTaken> {
    let path = format!("/v1/conversations/{}/receipt", talk.id);
    device.put(world, &path, receipt).await
}

fn receipt(sealed: &[u8]) -> PutReceipt {
    PutReceipt {
        incarnation: 1,
        epoch: 1,
        sealed: Blob(sealed.to_vec()),
    }
}

#[tokio::test]
async fn p8_3_a_slot_reaches_the_others_as_it_is() {
    let world = World::start().await;
    let (anna, ben, talk, _) = pair(&world).await;
    let before = anna.sync(&world, None, 0).await.unwrap();
    let taken = put(&world, &ben, talk, &receipt(b"sealed")).await.unwrap();
    assert_eq!(taken.next_ms, 2_000);
    let again = put(&world, &ben, talk, &receipt(b"sealed")).await.unwrap();
    assert_eq!(again, taken, "the same again is taken at any time");
    let soon = put(&world, &ben, talk, &receipt(b"another")).await.unwrap_err();
    assert_eq!(soon.code, ErrorCode::RATE_LIMITED);
    assert_eq!(soon.retry_after_ms, Some(2_000), "the clock stands still");
    let news = anna.sync(&world, Some(&before.token), 0).await.unwrap();
    let [slot] = news.receipts.as_slice() else {
        panic!("{news:?}")
    };
    assert_eq!(
        (slot.device, slot.epoch, slot.sealed.as_slice()),
        (ben.id, 1, &b"sealed"[..])
    );
}

#[tokio::test]
async fn p8_3_what_is_no_receipt_is_refused() {
    let world = World::start().await;
    let (anna, _, talk, _) = pair(&world).await;
    let stranger = Device::new(&world, "stranger").await;
    let code = async |device: &Device, receipt: &PutReceipt| put(&world, device, talk, receipt).await.unwrap_err().code;
    assert_eq!(code(&anna, &receipt(b"")).await, ErrorCode::MALFORMED);
    assert_eq!(code(&anna, &receipt(&[0; 257])).await, ErrorCode::TOO_LARGE);
    assert_eq!(code(&stranger, &receipt(b"x")).await, ErrorCode::NOT_A_MEMBER);
    let ahead = PutReceipt {
        epoch: 2,
        ..receipt(b"x")
    };
    assert_eq!(code(&anna, &ahead).await, ErrorCode::REFUSED);
    let nowhere = PutReceipt {
        incarnation: 0,
        ..receipt(b"x")
    };
    assert_eq!(code(&anna, &nowhere).await, ErrorCode::MALFORMED);
    let other = anna
        .request(&world, Method::POST, &format!("/v1/conversations/{}/receipt", talk.id))
        .json(&json!({}));
    assert_eq!(other.send().await.unwrap().status(), 405);
}
