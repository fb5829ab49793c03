#!/bin/sh
# `images.sh build` builds the images, `images.sh refs` lists every image, `images.sh compose-env FILE` writes what
# deploy/compose.yaml asks for. Names, tags and digests stand in deploy/k8s/images/kustomization.yaml and nowhere else.
# For build: BASE_IMAGE (needed), WHEELS (a folder of wheels), BUILDER (docker, podman or buildah), TARGETS, REASONER_EXTRAS.
set -eu
cd "$(dirname "$0")/.."
list=deploy/k8s/images/kustomization.yaml
services="ingest reasoner toolrunner notifier"

fail() { echo "images: $1" >&2; exit 1; }

# name, then what stands behind it: newName:newTag@digest
refs() {
  awk '
    function told() { if (name != "") print name, (new != "" ? new : name) (tag != "" ? ":" tag : "") (digest != "" ? "@" digest : "") }
    { gsub(/["'\'']/, "") }
    $1 == "-" && $2 == "name:" { told(); name = $3; new = tag = digest = "" }
    $1 == "newName:" { new = $2 }
    $1 == "newTag:" { tag = $2 }
    $1 == "digest:" { digest = $2 }
    END { told() }
  ' "$list"
}

ref() {
  found=$(refs | awk -v name="$1" '$1 == name { print $2 }')
  test -n "$found" || fail "$1 is not in $list"
  echo "$found"
}

# A tag to build under: a digest is known only of what was pushed.
tag() {
  case "$1" in
    simulator) tagged=$(ref nightshift.invalid/ingest | sed 's/ingest\([^/]*\)$/simulator\1/') ;;
    *) tagged=$(ref "nightshift.invalid/$1") ;;
  esac
  echo "${tagged%%@*}"
}

also() {
  case "$(tag "$1")" in
    *.*/* | *:*/* | localhost/*) ;;
    *) echo "--tag docker.io/$(tag "$1")" ;;
  esac
}

builder() {
  for each in ${BUILDER:-docker podman buildah}; do
    if command -v "$each" > /dev/null; then echo "$each"; return; fi
  done
  fail "none of ${BUILDER:-docker, podman, buildah} is installed"
}

build() {
  test -n "${BASE_IMAGE:-}" || fail "BASE_IMAGE is not set: any Debian 12 or newer or python-slim, such as BASE_IMAGE=python:3.13-slim-bookworm"
  tool=$(builder)
  rm -f deploy/wheels/*.whl
  if test -n "${WHEELS:-}"; then
    ls "$WHEELS"/*.whl > /dev/null 2>&1 || fail "there is no wheel in $WHEELS"
    cp "$WHEELS"/*.whl deploy/wheels/
  fi
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
  revision=$(git rev-parse HEAD 2> /dev/null || true)
  for target in ${TARGETS:-$services}; do
    set -- build --file deploy/Dockerfile --target "$target" --tag "$(tag "$target")" \
      --build-arg "BASE_IMAGE=$BASE_IMAGE" --build-arg "VERSION=$version" --build-arg "REVISION=$revision"
    test "$target" != reasoner || set -- "$@" --build-arg "REASONER_EXTRAS=${REASONER_EXTRAS:-reasoner}"
    # HEALTHCHECK is Docker's; the format of OCI has no place for it. A name without a registry is of `localhost` to
    # podman and buildah, and of docker.io to a cluster: they give it both.
    test "$tool" = docker || set -- "$@" --format docker $(also "$target")
    echo "images: $tool builds $(tag "$target")"
    "$tool" "$@" .
  done
}

compose_env() {
  umask 077
  mkdir -p "$(dirname "$1")"
  test -e "$1" || for user in INGEST REASONER TOOLRUNNER NOTIFIER KEDA OPERATOR; do
    echo "${user}_PASSWORD=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
  done > "$1"
  kept=$(grep '_PASSWORD=' "$1")
  {
    echo "$kept"
    echo "REDIS_IMAGE=$(ref redis)"
    echo "JAEGER_IMAGE=$(ref jaegertracing/jaeger)"
    for target in $services simulator; do
      echo "$(echo "$target" | tr '[:lower:]' '[:upper:]')_IMAGE=$(tag "$target")"
    done
  } > "$1"
}

case "${1:-}" in
  build) build ;;
  refs) refs ;;
  compose-env) compose_env "$2" ;;
  *) fail "say build, refs or compose-env FILE" ;;
esac
