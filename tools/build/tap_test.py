#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Tests what `make check` makes of TAP: that it counts right, and misses nothing."""

import sys

sys.dont_write_bytecode = True

import tap  # noqa: E402  pylint: disable=wrong-import-position

V = "TAP version 13\n"

# Title, text, and how many pass, fail and are skipped.
CASES = (
    ("one document", V + "1..2\nok 1 a\nnot ok 2 b\n", (1, 1, 0)),
    ("the plan at the end", V + "ok 1 a\nok 2 b\n1..2\n", (2, 0, 0)),
    ("a point that is skipped", V + "1..2\nok 1 a # SKIP no\nok 2 b\n", (1, 0, 1)),
    ("an expected failure", V + "1..1\nok 1 a # XFAIL known\n", (1, 0, 0)),
    ("a document that is skipped", V + "1..0 # SKIP no device\n", (0, 0, 1)),
    ("too few points", V + "1..3\nok 1 a\nok 2 b\n", (2, 1, 0)),
    ("too many points", V + "1..1\nok 1 a\nok 2 b\n", (2, 1, 0)),
    ("no plan", V + "ok 1 a\n", (1, 1, 0)),
    ("nothing after the version", V, (0, 1, 0)),
    ("no TAP at all", "sh: not found\n", (0, 1, 0)),
    ("points without a document", "1..1\nok 1 a\n", (0, 1, 0)),
    ("bailing out", V + "1..2\nok 1 a\nBail out! gone\n", (1, 2, 0)),
    ("a document after another", V + "1..1\nok 1 a\n" + V + "1..2\nok 1 b\nok 2 c\n", (3, 0, 0)),
    ("the first of two ends early", V + "1..2\nok 1 a\n" + V + "1..1\nok 1 b\n", (2, 1, 0)),
    ("comments are no points", V + "1..1\n# ok 1 not me\n# not ok 2\nok 1 a\n", (1, 0, 0)),
    ("words that begin like points", V + "1..1\nokay\nnotok\nok 1 a\n", (1, 0, 0)),
    ("nested as comments",
     V + "1..2\n# TAP version 13\n# 1..2\n# ok 1 a\n# # ok 9\n# ok 2 b\nok 1 x\nok 2 y\n",
     (3, 0, 0)),
    ("a nested point fails",
     V + "1..1\n# TAP version 13\n# 1..2\n# ok 1 a\n# not ok 2 b\nnot ok 1 x\n", (1, 1, 0)),
    ("only the outer point fails",
     V + "1..1\n# TAP version 13\n# 1..1\n# ok 1 a\nnot ok 1 x # left a device behind\n",
     (1, 1, 0)),
    ("KUnit's parameters, without a plan",
     V + "1..1\n# KTAP version 1\n# 1..1\n#     KTAP version 1\n#     ok 1 p\n#     ok 2 q\n"
     "# ok 1 a\nok 1 x\n", (2, 0, 0)),
    ("KUnit's parameters, cut off",
     V + "1..1\n# KTAP version 1\n# 1..1\n#     KTAP version 1\n#     ok 1 p\n", (1, 2, 0)),
    ("KTAP without a plan around it", "KTAP version 1\nok 1 a\n", (1, 1, 0)),
    ("a nested document ends early",
     V + "1..1\n# TAP version 13\n# 1..2\n# ok 1 a\nnot ok 1 x\n", (1, 1, 0)),
    ("a nested document is skipped",
     V + "1..1\n# TAP version 13\n# 1..0 # SKIP no\nok 1 x # SKIP\n", (0, 0, 1)),
    ("nested by blanks",
     "KTAP version 1\n1..1\n    KTAP version 1\n    1..2\n    ok 1 a\n    ok 2 b\nok 1 x\n",
     (2, 0, 0)),
    ("a nested failure that the outer point denies",
     V + "1..1\n# TAP version 13\n# 1..1\n# not ok 1 a\nok 1 x\n", (0, 1, 0)),
    ("the second of two nested fails",
     V + "1..2\n# TAP version 13\n# 1..1\n# ok 1 a\nok 1 x\n"
     "# TAP version 13\n# 1..1\n# not ok 1 b\nnot ok 2 y\n", (1, 1, 0)),
    ("noise between", V + "make: hello\n1..1\n\nok 1 a\nbye\n", (1, 0, 0)),
)


def main():
    print("TAP version 13")
    print(f"1..{len(CASES)}")
    failed = 0
    for number, (title, text, wanted) in enumerate(CASES, 1):
        reader = tap.Reader()
        for line in text.split("\n"):
            reader.feed(line)
        reader.finish()
        found = (reader.passed, len(reader.failures), reader.skipped)
        if found != wanted:
            failed += 1
            print(f"# {found}, not {wanted}: {reader.failures}")
        print(f"{'ok' if found == wanted else 'not ok'} {number} {title}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
