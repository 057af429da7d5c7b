#!/usr/bin/env bash
# Makes the tables by which silos find each other in PostgreSQL, once for a database. Running it again does no harm.
#   infra/postgres/prepare-clustering.sh 'postgres://user:password@host/database'
# The SQL is Orleans' own, under its MIT license. It is fetched at one commit and checked, or read from SQL_DIRECTORY.
# Needs psql; and curl, unless SQL_DIRECTORY is set. Where it was written it ran with SQL_DIRECTORY: nothing could be fetched.
# Granary's own tables need no script: the silo makes them.
set -euo pipefail

if [ $# -ne 1 ]; then
  echo "usage: $0 'postgres://user:password@host/database'" >&2
  exit 2
fi
database=$1
export PGOPTIONS='-c client_min_messages=warning'
commit=e558829b0b0f696e98c222438106e643fb53928f
source=https://raw.githubusercontent.com/dotnet/orleans/$commit/src/AdoNet
# The last one adds a query that databases from before it lack.
scripts=(
  "Shared/PostgreSQL-Main.sql 623c15320e640cdd3e84d0668dcae481312f2631ac4977bf2eb8cf22e05deb8b"
  "Orleans.Clustering.AdoNet/PostgreSQL-Clustering.sql 75682538351dc15ad74d86fab14110cca2603fd063d19cebc76118ff84c88328"
  "Orleans.Clustering.AdoNet/Migrations/PostgreSQL-Clustering-3.7.0.sql e07b0be4507ca5bf60e5643f204c9ab7c25f82e54bd8d85dfb19a4bc0f0546a6"
)

directory=${SQL_DIRECTORY:-}
if [ -z "$directory" ]; then
  directory=$(mktemp -d)
  trap 'rm -rf "$directory"' EXIT
fi
for script in "${scripts[@]}"; do
  read -r path sum <<< "$script"
  file=$directory/${path##*/}
  [ -n "${SQL_DIRECTORY:-}" ] || curl -fsSL --retry 3 -o "$file" "$source/$path"
  echo "$sum  $file" | sha256sum --check --quiet || { echo "$file is not the file that was reviewed." >&2; exit 1; }
done

# One transaction under a lock: several may run this at once, and none leaves a half.
{
  echo "SELECT pg_advisory_xact_lock(4708);"
  echo "SELECT to_regclass('orleansquery') IS NULL AS needed \\gset"
  echo "\\if :needed"
  echo "\\i $directory/PostgreSQL-Main.sql"
  echo "\\i $directory/PostgreSQL-Clustering.sql"
  echo "\\endif"
  echo "\\i $directory/PostgreSQL-Clustering-3.7.0.sql"
} | psql "$database" -X -q -1 -v ON_ERROR_STOP=1 -o /dev/null -f -
echo "The clustering tables are there."
