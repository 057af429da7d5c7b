#!/usr/bin/env bash
# Builds everything and runs all tests, one project after the other, and ends with one line: N passed, N failed[, N skipped].
#   ./test.sh              all tests
#   ./test.sh Exec         only the tests whose full name contains Exec
#   ./test.sh 'Category=Slow&FullyQualifiedName~Exec'      any filter of `dotnet test`
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

filter=()
if [ $# -gt 0 ]; then
  case "$1" in
    *[=~]*) filter=(--filter "$1") ;;
    *) filter=(--filter "FullyQualifiedName~$1") ;;
  esac
fi

passed=0 failed=0 skipped=0

report() {
  local skips=""
  [ "$skipped" -gt 0 ] && skips=", $skipped skipped"
  echo "$passed passed, $failed failed$skips"
}

if ! dotnet build Orleans.sln -c Release -v q --nologo; then
  echo "The build failed." >&2
  failed=1
  report
  exit 1
fi

# The numbers of one project, from the <Counters> element of its result file.
count() {
  sed -n 's/.*<Counters [^>]*'"$1"'="\([0-9]*\)".*/\1/p' "$2" | head -n 1
}

for project in tests/*/*.csproj; do
  grep -q 'Microsoft.NET.Test.Sdk' "$project" || continue
  name=$(basename "$project" .csproj)
  results="TestResults/$name"
  rm -rf "$results"
  dotnet test "$project" -c Release --no-build --nologo -v q --logger "trx;LogFileName=results.trx" \
    --results-directory "$results" --blame-hang-timeout 10m ${filter[@]+"${filter[@]}"}
  code=$?
  trx="$results/results.trx"
  if [ ! -f "$trx" ]; then
    # With a filter a project may have nothing to run; without one, no result means that it broke.
    [ "$code" -ne 0 ] && { echo "$name ended with code $code and left no results." >&2; failed=$((failed + 1)); }
    continue
  fi
  total=$(count total "$trx") run=$(count executed "$trx") good=$(count passed "$trx")
  bad=$((run - good))
  # A crash of the test process leaves counters of what ran before it.
  [ "$code" -ne 0 ] && [ "$bad" -eq 0 ] && { echo "$name ended with code $code." >&2; bad=1; }
  passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + total - run))
done

report
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
