//! What a tenant's policy asks of conversations and devices.

mod approval;
mod members;
