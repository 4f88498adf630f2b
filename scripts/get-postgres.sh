#!/usr/bin/env bash
# Gets the PostgreSQL and the PgBouncer that the tests of many servers need, where that can be done without asking: as root on
# Debian and its kin. Says in one line what it did, and never fails: without them those tests say that they were skipped.
set -uo pipefail

postgres() { ls -d ${DAMSON_POSTGRES_BIN:-/usr/lib/postgresql/*/bin}/initdb 2>/dev/null | tail -n 1; }
pgbouncer() { ls "${DAMSON_PGBOUNCER:-/usr/sbin/pgbouncer}" 2>/dev/null; }

found() {
  local program missing=()
  program=$(postgres); [[ -n $program ]] || missing+=(postgresql)
  program=$(pgbouncer); [[ -n $program ]] || missing+=(pgbouncer)
  echo "${missing[*]}"
}

install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update && apt-get install -y --no-install-recommends "$@"
}

missing=$(found)
if [[ -z $missing ]]; then
  echo "PostgreSQL: $(postgres); PgBouncer: $(pgbouncer)"
elif ! command -v apt-get >/dev/null; then
  echo "PostgreSQL: no $missing, and no apt-get to install it with; the tests that need it are skipped."
elif ((EUID != 0)); then
  echo "PostgreSQL: no $missing, and only root may install it (apt-get install $missing); the tests that need it are skipped."
else
  log=$(mktemp)
  # Unquoted: each name is a package.
  if install $missing >"$log" 2>&1; then
    echo "PostgreSQL: installed $missing"
  else
    echo "PostgreSQL: apt-get could not install $missing ($(grep -E '^E:|^Err:' "$log" | tail -n 1 || true)); the tests that need it are skipped."
  fi
  rm -f "$log"
fi
