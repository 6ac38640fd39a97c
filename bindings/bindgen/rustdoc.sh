#!/bin/sh
# rustdoc with its JSON, which it gives only to those who ask for what is not stable. Only this program asks: what cargo
# compiles for it is the same as for every other command.
RUSTC_BOOTSTRAP=1 exec "${CURO_RUSTDOC:-rustdoc}" "$@"
