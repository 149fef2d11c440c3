#!/usr/bin/env bash
# Makes src/windlass_client/_gen, or the folder given, from proto/. Needs python3 (3.9 to 3.14) and the project's
# node_modules.
set -euo pipefail
out=${1:-$(cd "$(dirname "$0")" && pwd)/src/windlass_client/_gen}
cd "$(dirname "$0")/../.."
venv=$(python3 test/support/make-venv.py client-python-generate grpcio-tools==1.76.0 protobuf==6.33.6 setuptools==80.9.0)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
printf '#!/bin/sh\nexec "%s/bin/python" -m grpc_tools.protoc "$@"\n' "$venv" >"$work/bin/protoc"
chmod +x "$work/bin/protoc"
PATH="$work/bin:$venv/bin:$PATH" node_modules/.bin/buf generate --template clients/python/buf.gen.yaml --output "$work"
# protoc imports by the paths of the protos; ours must not be found at the top of everybody's packages.
"$venv/bin/python" clients/python/tools/move_imports.py "$work/gen"
rm -rf "$out"
mkdir -p "$(dirname "$out")"
mv "$work/gen" "$out"
