#!/bin/sh
# Puts what is done of the study into the directory given, which `gouda study --resume --out DIR` goes on with.
set -eu
from=$(dirname "$0")
to=${1:?"usage: unpack.sh DIR"}
mkdir -p "$to/planted"
cp "$from/config.toml" "$to/config.toml"
echo "gouda study --preset quick --out $to" > "$to/command.txt"
cp "$to/command.txt" "$to/planted/command.txt"
first=$(sed -n 's/^first_seed = //p' "$from/config.toml")
seeds=$(sed -n 's/^seeds = //p' "$from/config.toml")
sed "s/^seed = .*/seed = $((first + seeds))/" "$from/config.toml" > "$to/planted/config.toml"
gunzip -c "$from/planted.json.gz" > "$to/planted/calibration.json"
for file in "$from"/seed-*.json.gz; do
    seed=$(basename "$file" .json.gz)
    mkdir -p "$to/$seed"
    sed "s/^seed = .*/seed = ${seed#seed-}/" "$from/config.toml" > "$to/$seed/config.toml"
    cp "$to/command.txt" "$to/$seed/command.txt"
    gunzip -c "$file" > "$to/$seed/findings.json"
done
