//! What a tenant's policy asks of conversations and devices.

mod approval;
mod devices;
mod members;
mod quota;
mod removed;
