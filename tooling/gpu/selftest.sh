#!/bin/sh
# The self-test of the CUDA backend: ./selftest.sh [--emulate] [--results DIR] [--limit SECONDS] [--only PATTERN] [STAGE…]
# Stages: probe conformance kernels training inference peers, or all. Needs no network and installs nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -x "$here/node" ]; then
  if command -v xz >/dev/null; then
    xz --decompress --stdout "$here/node.xz" >"$here/node.part"
  else
    python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' "$here/node.xz" "$here/node.part"
  fi
  chmod +x "$here/node.part"
  mv "$here/node.part" "$here/node"
fi
exec "$here/node" "$here/code/main.js" "$@"
