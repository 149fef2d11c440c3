#!/usr/bin/env bash
# Makes gen/, or the folder given, from proto/. Needs Go (1.25 or later for the plugins) and the project's node_modules.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/gen}
plugins=(
  google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
  google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
  connectrpc.com/connect/cmd/protoc-gen-connect-go@v1.19.2
)

# Kept where test/support/make-venv.py keeps its own; each set of versions has its folder.
cache=${XDG_CACHE_HOME:+$XDG_CACHE_HOME/windlass-test}
cache=${cache:-${TMPDIR:-/tmp}/windlass-test-$(id -u)}
mkdir -p -m 700 "$cache"
if [ ! -O "$cache" ]; then
  echo "$cache belongs to another user; set XDG_CACHE_HOME" >&2
  exit 1
fi
bin=$cache/client-go-plugins-$(printf '%s\n' "${plugins[@]}" | cksum | cut -d ' ' -f 1)
work=$(mktemp -d)
fresh=
trap 'rm -rf "$work" ${fresh:+"$fresh"}' EXIT
if [ ! -d "$bin" ]; then
  # Built beside its place and moved there whole: two that start at once do not meet.
  fresh=$(mktemp -d "$bin.XXXXXX")
  for plugin in "${plugins[@]}"; do
    GOBIN=$fresh GOFLAGS=-mod=mod go install "$plugin"
  done
  mv -T "$fresh" "$bin" 2>/dev/null || [ -d "$bin" ]
fi

cd "$here/../.."
PATH="$bin:$PATH" node_modules/.bin/buf generate --template clients/go/buf.gen.yaml --output "$work"
rm -rf "$out"
mkdir -p "$(dirname "$out")"
mv "$work/gen" "$out"
