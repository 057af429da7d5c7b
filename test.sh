#!/usr/bin/env bash
# Builds everything and runs all tests, one project after the other. Ends with the name and the message of each test that
# failed, and one line: N passed, N failed[, N skipped].
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

passed=0 failed=0 skipped=0 failures=""

report() {
  local skips=""
  [ -n "$failures" ] && printf '\nFailed:\n%s\n' "$failures"
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

# What failed in one project, from its result file: each test's name, its message, and where it happened; and what the
# run itself had to say.
explain() {
  awk '
    function show(text, indent) {
      gsub(/&#xD;|\r/, "", text); gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text)
      gsub(/&apos;/, "\047", text); gsub(/&amp;/, "\\&", text)
      if (++lines <= 30) print indent substr(text, 1, 300)
    }
    /<UnitTestResult / {
      failed = /outcome="(Failed|Error|Timeout|Aborted)"/
      if (failed && match($0, /testName="[^"]*"/)) {
        lines = 0
        show(substr($0, RSTART + 10, RLENGTH - 11), "  ")
      }
    }
    /<\/UnitTestResult>/ { failed = 0 }
    /<RunInfo .*outcome="Error"/ { failed = 1; lines = 0 }
    /<\/RunInfo>/ { failed = 0 }
    failed && /<(Message|StackTrace|Text)>/ { inside = 1; sub(/.*<(Message|StackTrace|Text)>/, "") }
    inside {
      ended = sub(/<\/(Message|StackTrace|Text)>.*/, "")
      if (!/\[FAIL\]/) show($0, "    ")
      if (ended) inside = 0
    }' "$1"
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
    [ "$code" -ne 0 ] && { failures+="$name ended with code $code and left no results."$'\n'; failed=$((failed + 1)); }
    continue
  fi
  total=$(count total "$trx") run=$(count executed "$trx") good=$(count passed "$trx")
  bad=$((run - good))
  # A crash of the test process leaves counters of what ran before it.
  [ "$code" -ne 0 ] && [ "$bad" -eq 0 ] && { failures+="$name ended with code $code."$'\n'; bad=1; }
  [ "$bad" -gt 0 ] && failures+="$name"$'\n'"$(explain "$trx")"$'\n'
  passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + total - run))
done

report
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
