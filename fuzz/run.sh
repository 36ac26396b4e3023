#!/bin/bash
# Runs fuzz targets one after the other and writes what each did to a table.
#
#   fuzz/run.sh SECONDS [TARGET...]        all targets without names, round after round until stopped with ROUNDS=0 (1 is the default)
#
# BIN=DIR    programs built beforehand (CONTRIBUTING.md, Fuzzing); without it cargo-fuzz builds and runs them
# WORK=DIR   where inputs found, logs and crashes are kept [fuzz/work, which git ignores]
# Each line of WORK/stats: target, user CPU s, system CPU s, wall s, executions, peak memory MiB, exit status (77: something was found).
set -u
cd "$(dirname "$0")" || exit
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET...]}
shift
work=${WORK:-$PWD/work}
rounds=${ROUNDS:-1}
[ $# -gt 0 ] || set -- $(cd fuzz_targets && ls | sed 's/\.rs$//')
mkdir -p "$work/log"
round=0
while [ "$rounds" = 0 ] || [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    for target; do
        mkdir -p "$work/found/$target" "$work/crashes/$target"
        dictionary=$(sed -n "s/^$target //p" dict/targets)
        options=(-max_total_time="$seconds" -max_len=16384 -timeout=20 -rss_limit_mb=1024 -print_final_stats=1
            -artifact_prefix="$work/crashes/$target/" ${dictionary:+-dict="dict/$dictionary"})
        if [ -n "${BIN:-}" ]; then run=("$BIN/$target"); else run=(cargo fuzz run -s none "$target"); options=(-- "${options[@]}"); fi
        folders=("$work/found/$target" "corpus/$target")
        [ -n "${BIN:-}" ] && command=("${run[@]}" "${options[@]}" "${folders[@]}") || command=("${run[@]}" "${folders[@]}" "${options[@]}")
        log="$work/log/$target"
        TIMEFORMAT='%U %S %R'
        { time nice -n "${NICE:-12}" "${command[@]}" >"$log" 2>&1; status=$?; } 2>"$work/time.$$"
        value() { sed -n "s/^stat::$1: *//p" "$log" | tail -1; }
        echo "$target $(cat "$work/time.$$") $(value number_of_executed_units) $(value peak_rss_mb) rc=$status" >>"$work/stats"
        if [ "$status" -ne 0 ]; then
            echo "$target: status $status; see $log and $work/crashes/$target" >&2
        fi
    done
done
rm -f "$work/time.$$"
# The sums, as they stand in README.md.
awk '{ user[$1] += $2; runs[$1] += $5; if ($6 > memory[$1]) memory[$1] = $6 }
     END { for (target in user) printf "| `%s` | %d | %.1f | %d |\n", target, runs[target], user[target] / 60, memory[target] }' "$work/stats" | sort
