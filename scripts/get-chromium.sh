#!/usr/bin/env bash
# Gets the browser that the browser tests need, where that can be done without asking: as root on Debian and its kin. Says in
# one line what it did, and never fails: without a browser those tests say that they were skipped, and the rest goes on.
set -uo pipefail

found() {
  local program
  for program in "${DAMSON_CHROMIUM:-/usr/bin/chromium}" /usr/bin/chromium-browser /usr/bin/google-chrome; do
    [[ -x $program ]] && echo "$program" && return
  done
  return 1
}

install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update && apt-get install -y --no-install-recommends chromium
}

if program=$(found); then
  echo "Chromium: $program"
elif ! command -v apt-get >/dev/null; then
  echo 'Chromium: none, and no apt-get to install it with; the browser tests are skipped.'
elif ((EUID != 0)); then
  echo 'Chromium: none, and only root may install it (apt-get install chromium); the browser tests are skipped.'
else
  log=$(mktemp)
  if install >"$log" 2>&1; then
    echo "Chromium: installed, $(found || echo 'but not where the tests look for it')"
  else
    echo "Chromium: apt-get could not install it ($(grep -E '^E:|^Err:' "$log" | tail -n 1 || true)); the browser tests are skipped."
  fi
  rm -f "$log"
fi
