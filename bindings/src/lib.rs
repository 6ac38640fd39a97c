uniffi::setup_scaffolding!("curo");
