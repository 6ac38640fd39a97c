//! Delivered and read: who has what was said, and who has seen it (rules 8.2 and 8.3).

mod delivered;

use curo::DeliveryState;

const fn delivered(by: u32, of: u32) -> DeliveryState {
    DeliveryState::Delivered { by, of }
}
