#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    curo_fuzz::play("search", data);
});
