//! curo-demo
