#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the fuzzers of the vdpa tool.

check BUILD - the seeds, and a bounded number of runs that begin with the same
              seed of the random numbers each time; TAP on stdout
run BUILD   - until stopped; what fails is kept, and said where
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

import seeds

RANDOM_SEED = 1
RUNS = {"arguments": 12000, "messages": 20000}
TIMEOUT = 500       # seconds for one command of a check
INPUT_TIMEOUT = 20  # seconds for one input
SHOWN = 40          # lines of a failure


class Fuzzers:
    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.seed_dir = os.path.join(self.build, "seeds")
        shutil.rmtree(self.seed_dir, ignore_errors=True)
        self.seeds = seeds.write(self.seed_dir)
        self.crashes = os.path.join(self.build, "crashes")
        os.makedirs(self.crashes, exist_ok=True)

    def command(self, target, *args):
        return [os.path.join(self.build, "fuzz", target), f"-timeout={INPUT_TIMEOUT}",
                f"-artifact_prefix={self.crashes}/{target}-", *args]

    def fuzzing(self, target, *args):
        """A command that begins with the seeds, in their order"""
        listed = os.path.join(self.seed_dir, f"{target}.list")
        with open(listed, "w", encoding="utf-8") as file:
            file.write(",".join(self.seeds[target]))
        return self.command(target, "-use_value_profile=1", "-max_len=65536", "-len_control=0",
                            f"-dict={self.seed_dir}/words.dict", f"-seed_inputs=@{listed}", *args)


def fixed_addresses():
    """What to put before a command, so that addresses, which libFuzzer learns
    from, are the same each time; nothing if that is forbidden here"""
    prefix = ["setarch", "-R"]
    try:
        subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return prefix


def environment(**extra):
    return dict(os.environ, LC_ALL="C", TZ="UTC",
                ASAN_OPTIONS="detect_stack_use_after_return=1:allocator_may_return_null=0",
                UBSAN_OPTIONS="print_stacktrace=1", **extra)


def execute(command, **extra):
    """(exit status, all it printed); a hang is a failure"""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False,
                              env=environment(**extra))
    except subprocess.TimeoutExpired as err:
        return "timeout", (err.stdout or b"").decode("utf-8", "backslashreplace")
    return done.returncode, done.stdout.decode("utf-8", "backslashreplace")


def excerpt(text):
    """What tells most of a failure: from the first line that says what it is"""
    lines = [line for line in text.splitlines() if " in fuzzer::" not in line]
    first = next((number for number, line in enumerate(lines) if re.search(
        r"^FAILED|ERROR: |runtime error:", line)), max(0, len(lines) - SHOWN))
    return lines[first:first + SHOWN] + [line for line in lines if "Test unit written" in line]


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def report(self, name, problems=()):
        self.count += 1
        self.failed += bool(problems)
        print(f"{'not ' if problems else ''}ok {self.count} - {name}")
        for problem in problems:
            print(f"#   {problem}")
        sys.stdout.flush()


def check_seeds(tap, fuzzers, target):
    status, text = execute(fuzzers.command(target, *fuzzers.seeds[target]))
    ran = text.count("\nExecuted ")
    problems = excerpt(text) if status else []
    if ran != len(fuzzers.seeds[target]):
        problems.append(f"{ran} of {len(fuzzers.seeds[target])} were run")
    tap.report(f"{target}: {ran} inputs from the golden files", problems)


def check_runs(tap, fuzzers, target):
    status, text = execute(fixed_addresses() + fuzzers.fuzzing(
        target, f"-seed={RANDOM_SEED}", f"-runs={RUNS[target]}"))
    problems = excerpt(text) if status else []
    done = re.search(r"^Done (\d+) runs", text, re.M)
    covered = re.findall(r"cov: (\d+)", text)
    if not done or int(done[1]) < RUNS[target]:
        problems.append("ended early")
    tap.report(f"{target}: {RUNS[target]} runs, seed {RANDOM_SEED}", problems)
    print(f"# {target}: {covered[-1] if covered else 'no'} edges covered")


def check_fault(tap, fuzzers):
    """A tool that does not check what attributes hold must not get through"""
    tap_name = "messages: values read from attributes too short for them are noticed"
    for path in fuzzers.seeds["messages"]:
        status, text = execute([os.path.join(fuzzers.build, "fuzz/messages"), path],
                               VDPA_FUZZ_PLANT_FAULT="1")
        if status and "FAILED: more is read than the attribute holds" in text:
            return tap.report(tap_name)
    return tap.report(tap_name, ["no input made it fail"])


def check(fuzzers):
    tap = Tap()
    print("TAP version 13")
    print(f"# what fails is kept in {fuzzers.crashes}")
    for target in RUNS:
        check_seeds(tap, fuzzers, target)
        check_runs(tap, fuzzers, target)
    check_fault(tap, fuzzers)
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


def run(fuzzers):
    """Both at once, each in a process that goes on after a failure"""
    running = []
    for target in RUNS:
        corpus = os.path.join(fuzzers.build, "corpus", target)
        os.makedirs(corpus, exist_ok=True)
        running.append(subprocess.Popen(
            fuzzers.command(target, "-fork=1", "-ignore_crashes=1", "-ignore_timeouts=1",
                            "-ignore_ooms=1", "-use_value_profile=1", "-max_len=65536",
                            f"-dict={fuzzers.seed_dir}/words.dict", corpus,
                            os.path.join(fuzzers.seed_dir, target)),
            stdin=subprocess.DEVNULL, env=environment()))
    before = set(os.listdir(fuzzers.crashes))
    print(f"What fails is kept in {fuzzers.crashes}; stop with Ctrl-C.", flush=True)
    try:
        for process in running:
            process.wait()
    except KeyboardInterrupt:
        for process in running:
            process.terminate()
            process.wait()
    found = sorted(set(os.listdir(fuzzers.crashes)) - before)
    for name in found:
        target = name.partition("-")[0]
        print(f"{fuzzers.build}/fuzz/{target} {os.path.join(fuzzers.crashes, name)}")
    print(f"{len(found)} inputs failed; they are in {fuzzers.crashes}"
          + (", and run as above" if found else ""))
    return 1 if found else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=("check", "run"))
    parser.add_argument("build", help="where the fuzzers were built")
    args = parser.parse_args()
    return {"check": check, "run": run}[args.mode](Fuzzers(args.build))


if __name__ == "__main__":
    sys.exit(main())
