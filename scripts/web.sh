#!/usr/bin/env bash
# The page that the server carries: built from web/ into web/dist, which is committed (docs/decisions/008).
#
#   scripts/web.sh          make the messages from chat.proto and build web/dist anew
#   scripts/web.sh --check  types, tests, and that web/dist and the generated code are what the sources give
#   scripts/web.sh --e2e    build, then the tests in a headless browser against target/release/hubbub (or HUBBUB_BIN)
#
# Without Node (20.19 or newer) --check says so and succeeds, for nothing else needs it.
set -euo pipefail
cd "$(dirname "$0")/../web"

say() { echo "web: $*" >&2; }

if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2> /dev/null; then
  say "there is no Node 20.19 or newer; web/dist stays as it is committed"
  [ "${1:-}" = --check ] && exit 0
  exit 1
fi

# Installs exactly what the lock file says, when it says something new.
installed=node_modules/.package-lock.copy
if ! cmp -s package-lock.json "$installed"; then
  npm ci --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json "$installed"
fi

case "${1:-}" in
  '')
    npm run --silent generate
    npm run --silent build
    ;;
  --check)
    made=$(mktemp -d)
    trap 'rm -rf "$made"' EXIT
    npm run --silent check
    npm run --silent test
    npx vite build page --logLevel warn --outDir "$made/dist"
    diff -r dist "$made/dist" || { say "web/dist is not what the sources give; run scripts/web.sh and commit it"; exit 1; }
    (cd client && npx buf generate ../../proto --template buf.gen.yaml --path ../../proto/chat --output "$made")
    diff -r client/src/gen "$made/src/gen" || { say "chat.proto has changed; run scripts/web.sh and commit it"; exit 1; }
    say "web/dist and the generated code are what the sources give"
    ;;
  --e2e)
    npm run --silent build
    npm run --silent e2e
    ;;
  *)
    sed -n '2,/^set/p' "../scripts/${0##*/}" | sed '$d' >&2
    exit 2
    ;;
esac
