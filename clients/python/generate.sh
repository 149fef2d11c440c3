#!/usr/bin/env bash
# Makes src/windlass_client/_gen from proto/. Needs python3 (3.9 to 3.14) and the project's node_modules.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=$(python3 test/support/make-venv.py client-python-generate grpcio-tools==1.76.0 setuptools==80.9.0)
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
printf '#!/bin/sh\nexec "%s/bin/python" -m grpc_tools.protoc "$@"\n' "$venv" >"$tools/protoc"
chmod +x "$tools/protoc"
out=clients/python/src/windlass_client/_gen
rm -rf "$out"
mkdir "$out"
PATH="$tools:$venv/bin:$PATH" node_modules/.bin/buf generate --template clients/python/buf.gen.yaml
# protoc imports by the paths of the protos; ours must not be found at the top of everybody's packages.
"$venv/bin/python" clients/python/tools/move_imports.py "$out"
