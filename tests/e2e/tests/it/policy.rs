//! What a tenant's policy asks of conversations and devices.

mod members;
