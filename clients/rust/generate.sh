#!/usr/bin/env bash
# Makes src/gen, or the folder given, from proto/. Needs Rust and the project's node_modules.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/src/gen}

# Kept where test/support/make-venv.py keeps its own.
cache=${XDG_CACHE_HOME:+$XDG_CACHE_HOME/windlass-test}
cache=${cache:-${TMPDIR:-/tmp}/windlass-test-$(id -u)}
mkdir -p -m 700 "$cache"
if [ ! -O "$cache" ]; then
  echo "$cache belongs to another user; set XDG_CACHE_HOME" >&2
  exit 1
fi
target=$cache/client-rust-generate
CARGO_PROFILE_DEV_DEBUG=0 cargo build --quiet --manifest-path "$here/generate/Cargo.toml" --target-dir "$target"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here/../.."
PATH="$target/debug:$PATH" node_modules/.bin/buf generate --template clients/rust/buf.gen.yaml --output "$work"
cat >"$work/gen/mod.rs" <<'END'
// Made by generate.sh. Modules are nested as packages are.
#[cfg(feature = "documents")]
pub(crate) mod documents;
pub(crate) mod methods;
pub mod windlass {
    pub mod v1;
    pub mod config {
        pub mod v1;
    }
}
END
rustfmt --edition 2021 --config-path "$here" "$work/gen/mod.rs"
rm -rf "$out"
mkdir -p "$(dirname "$out")"
mv "$work/gen" "$out"
