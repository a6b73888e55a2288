#!/bin/sh
# Builds the messenger from a checkout and puts it where the image and the systemd unit expect it.
# The Dockerfile runs exactly this; so does whoever installs without an image, and so does CI: install.sh TARGET
set -eu
target="${1:?usage: install.sh TARGET, the folder in which usr/local/bin/messenger is made}"
cd "$(dirname "$0")/../../.."
cargo build --release --locked --package messenger
install -D -m 0755 "${CARGO_TARGET_DIR:-target}/release/messenger" "$target/usr/local/bin/messenger"
"$target/usr/local/bin/messenger" --version
