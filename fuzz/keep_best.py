#!/usr/bin/env python3
"""Adds to corpus/TARGET the few inputs of WORK/found/TARGET that reach most that no seed reaches, per byte.

    BIN=DIR fuzz/keep_best.py WORK [TARGET...]

At most 6 inputs and 12 kB for a target; named seeds stay as they are. Small ones first: a seed is run in every test."""
import os, pathlib, shutil, subprocess, sys, tempfile

MOST_INPUTS, MOST_BYTES, SMALLEST_GAIN = 6, 12_000, 8


def features(program, folders):
    """What each file reaches, from the control file of a merge."""
    with tempfile.TemporaryDirectory() as out:
        control = os.path.join(out, "control")
        os.mkdir(os.path.join(out, "merged"))
        command = [program, "-set_cover_merge=1", f"-merge_control_file={control}", "-timeout=20", "-rss_limit_mb=1024",
                   "-max_len=16384", os.path.join(out, "merged"), *folders]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=lambda: os.nice(10))
        lines = open(control).read().split("\n")
    count = int(lines[0])
    names, reached = lines[2:2 + count], {}
    for line in lines[2 + count:]:
        kind, *rest = line.split(" ")
        if kind == "FT":
            # Eight features are one counter, by how often it was reached.
            reached[names[int(rest[0])]] = {int(feature) >> 3 for feature in rest[1:] if feature}
    return reached


def main():
    here = pathlib.Path(__file__).resolve().parent
    work, targets = pathlib.Path(sys.argv[1]), sys.argv[2:]
    for target in targets or sorted(path.name for path in (here / "corpus").iterdir()):
        seeds, found = here / "corpus" / target, work / "found" / target
        if not found.is_dir():
            continue
        reached = features(os.path.join(os.environ["BIN"], target), [str(seeds), str(found)])
        known = set().union(*(reach for name, reach in reached.items() if pathlib.Path(name).parent == seeds))
        before, room, kept = len(known), MOST_BYTES, 0
        candidates = {name: reach for name, reach in reached.items() if pathlib.Path(name).parent == found}
        number = len(list(seeds.glob("found_by_fuzzing_*")))
        while candidates and kept < MOST_INPUTS:
            def worth(name):
                return len(candidates[name] - known) / (64 + os.path.getsize(name)) if os.path.getsize(name) <= room else 0
            best = max(candidates, key=worth)
            reach = candidates.pop(best)
            if len(reach - known) < SMALLEST_GAIN or os.path.getsize(best) > room:
                break
            kept, number, known, room = kept + 1, number + 1, known | reach, room - os.path.getsize(best)
            shutil.copy(best, seeds / f"found_by_fuzzing_{number}")
        print(f"{target}: {kept} kept, {MOST_BYTES - room} bytes; {before} places reached before, {len(known)} now")


main()
