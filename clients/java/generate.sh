#!/usr/bin/env bash
# Makes src/generated/java, or the folder given, from proto/. Needs mvn and the project's node_modules.
set -euo pipefail
out=${1:-$(cd "$(dirname "$0")" && pwd)/src/generated/java}
cd "$(dirname "$0")/../.."
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x86_64 ;;
  Linux-aarch64 | Linux-arm64) platform=linux-aarch_64 ;;
  Darwin-x86_64) platform=osx-x86_64 ;;
  Darwin-arm64) platform=osx-aarch_64 ;;
  *) echo "there is no protoc for $(uname -s) on $(uname -m)" >&2 && exit 1 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
# Code of 25.x runs with protobuf-java 3.25, which grpc-java asks for, and 4.x.
tool() {
  local tool="org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy"
  mvn -B -q "$tool" -f clients/java/pom.xml "-Dartifact=$1:exe:$platform" "-DoutputDirectory=$work" \
    -Dmdep.stripVersion=true ${MAVEN_REPO:+"-Dmaven.repo.local=$MAVEN_REPO"}
  mv "$work/$2-$platform.exe" "$work/bin/$2"
  chmod +x "$work/bin/$2"
}
tool com.google.protobuf:protoc:3.25.9 protoc
tool io.grpc:protoc-gen-grpc-java:1.80.0 protoc-gen-grpc-java
PATH="$work/bin:$PATH" node_modules/.bin/buf generate --template clients/java/buf.gen.yaml --output "$work"
rm -rf "$out"
mkdir -p "$(dirname "$out")"
mv "$work/gen" "$out"
