#!/bin/sh
# Hashes every file under a directory, eight at a time, into hashes.ndjson: one line of JSON for each file.
# Interrupt it, kill it, pull the plug: the same command goes on where it stopped, and no file is hashed twice.
#
#     samples/files/hash-tree.sh DIRECTORY [OUTPUT-DIRECTORY]
#
# Needs the command `granary`; GRANARY names another one, for example
#     GRANARY='dotnet run --project client/Granary.Cli --' samples/files/hash-tree.sh src
set -eu

tree=${1:?"usage: hash-tree.sh DIRECTORY [OUTPUT-DIRECTORY]"}
out=${2:-.}

# The list is made once: a job that goes on must be given the same lines.
[ -e "$out/files.txt" ] || find "$tree" -type f | LC_ALL=C sort > "$out/files.txt"

# {} is one line of the list; it is passed as an argument and never goes through a shell.
exec ${GRANARY:-granary} run -c 8 --exec 'sha256sum {}' \
    --from "$out/files.txt" --db "$out/hashes.db" --out "$out/hashes.ndjson"
