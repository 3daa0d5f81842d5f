#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests of the vdpa tool without a kernel; TAP on stdout."""

import argparse
import difflib
import json
import os
import re
import shlex
import sys
import traceback

import behaviour
import fakekernel
import scenarios

HERE = os.path.dirname(os.path.abspath(__file__))


# Commands whose documents are not those of their object
SECTIONS = ("config", "vstats", "features", "resource", "stats", "queue", "profile", "check")


class Tap:
    def __init__(self):
        self.count = self.failed = self.skipped = 0

    def report(self, name, problems=(), skip=None):
        """One result; problems are lines that say what is wrong"""
        self.count += 1
        line = f"ok {self.count} - {name}"
        if skip:
            self.skipped += 1
            line += f" # SKIP {skip}"
        elif problems:
            self.failed += 1
            line = "not " + line
        print(line)
        for problem in problems:
            for text in str(problem).splitlines():
                print(f"#   {text}")
        sys.stdout.flush()

    def end(self):
        print(f"1..{self.count}")
        passed = self.count - self.failed - self.skipped
        print(f"# {passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed or not passed else 0


class Schemas:
    """Validates documents; without python3-jsonschema only that they parse"""

    def __init__(self):
        try:
            import jsonschema
            self.jsonschema = jsonschema
        except ImportError:
            self.jsonschema = None
        self.loaded = {}

    def schema(self, name):
        if name not in self.loaded:
            path = os.path.join(HERE, "schema", name + ".json")
            with open(path, encoding="utf-8") as file:
                self.loaded[name] = json.load(file)
            self.jsonschema.Draft7Validator.check_schema(self.loaded[name])
        return self.loaded[name]

    def problems(self, name, text):
        """What is wrong with a document"""
        def unique(pairs):
            keys = [key for key, _ in pairs]
            if len(set(keys)) != len(keys):
                raise ValueError("a key is there twice")
            return dict(pairs)
        try:
            document = json.loads(text.decode("utf-8"), object_pairs_hook=unique)
        except ValueError as err:
            return [f"invalid JSON: {err}"]
        if not self.jsonschema:
            return []
        validator = self.jsonschema.Draft7Validator(self.schema(name))
        return [f"{'/'.join(map(str, err.absolute_path))}: {err.message}"
                for err in validator.iter_errors(document)]


def is_json(argv):
    return argv[-3:-1] == ["profile", "show"] or any(word == "--json" or
               (word[:1] == "-" and word[:2] != "--" and "j" in word)
               for word in argv)


def is_batch(argv):
    return any(re.match("-[a-z]*b$|-b.|--?batch", word) for word in argv)


def documents(text):
    """Each JSON document of a text in which they follow each other"""
    while text:
        document, end = json.JSONDecoder().raw_decode(text)
        if text[end:end + 1] != "\n":
            raise ValueError("no newline behind a document")
        text = text[end + 1:]
        yield document


def check_json(schemas, result):
    """In JSON mode stdout is one valid document, or empty after an error"""
    if is_batch(result.argv):
        # one for each command
        for document in documents(result.out.decode()):
            if not isinstance(document, dict):
                return [f"no document: {document}"]
        return []
    if not result.out:
        return ["no document"] if not result.status and b"Usage" not in result.err \
            else []
    if result.out.count(b"\n") != (result.out.count(b"\n") if b"\n " in result.out
                                   else 1) or result.out[-1:] != b"\n":
        return ["stdout is not one document and a newline"]
    words = [word for before, word in zip([""] + result.argv, result.argv)
             if word[:1] != "-" and not re.match("-[a-z]*n$|--?netns$", before)]
    if not words or b'{"version"' in result.out or b'"version": ' in result.out:
        return [] if json.loads(result.out)["version"] else ["no version"]
    name, below = in_full(words[0], ("mgmtdev", "dev")), in_full(words[1:2], ("config",))
    if below in SECTIONS and "set" not in words[2:3]:
        name = below
    return schemas.problems(name, result.out)


def in_full(word, names):
    """The one of the names that a word begins; else the word"""
    word = "".join(word)
    return next((name for name in names if word and name.startswith(word)), word)


def check_result(schemas, scenario, result):
    """What holds for every run, whatever the golden file says"""
    problems = list(result.errors)
    if result.status < 0 or result.status > 2:
        problems.append(f"died with status {result.status}")
    if (result.status != 0) != bool(result.err) and scenario not in ("help", "batch") \
            and not result.err.startswith(b"Warning: "):
        problems.append("an error without a message, or the other way round")
    if result.status == 2 and (result.requests or result.lookups):
        problems.append("asked the kernel in spite of a usage error")
    if is_batch(result.argv) and result.status == 2 and result.requests:
        problems.append("exit status of a command line for what is in a file")
    if result.lookups > 1:
        problems.append("looked the family up more than once")
    if scenario != "strange" and any(
            c < 0x20 and c != 0x0a for c in result.out + result.err):
        problems.append("control characters in the output")
    if result.status and result.out and scenario != "malformed" and "check" not in result.argv \
            and not is_batch(result.argv):
        problems.append("output on stdout in spite of an error")
    if is_json(result.argv):
        problems += check_json(schemas, result)
    return problems


def visible(line):
    """A command line for the golden file, which shall stay text"""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line)


def transcript(line, result):
    """A run as it stands in a golden file"""
    text = f"$ vdpa {visible(line)}".rstrip() + "\n"
    # what begins with this in the file is a title
    text += re.sub("(?m)^# ", r"\# ", result.out.decode("utf-8", "backslashreplace"))
    for error in result.err.decode("utf-8", "backslashreplace").splitlines():
        text += f"2> {error}\n"
    if result.status:
        text += f"=> {result.status}\n"
    for name in result.entered:
        text += f"entered {name}\n"
    for request in result.requests:
        text += f"<< {request.text()}\n"
    return text


def golden_path(name):
    return os.path.join(HERE, "golden", name + ".txt")


def read_golden(name):
    """[block...] of a file: what follows each command line, with it"""
    try:
        with open(golden_path(name), encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return []
    blocks = []
    for line in text.splitlines(keepends=True):
        if line.startswith("# "):
            continue
        if line.startswith("$ vdpa"):
            blocks.append("")
        blocks[-1] += line
    return blocks


def differences(expected, got):
    return [line.rstrip("\n") for line in difflib.unified_diff(
        expected.splitlines(), got.splitlines(), "expected", "got",
        lineterm="", n=2)]


def run_scenario(args, tap, schemas, name, parts):
    expected = read_golden(name)
    text, number = "", 0
    for kernel, command_lines in parts:
        kernel = dict(kernel)
        title = kernel.pop("title", None)
        env = kernel.pop("env", None)
        text += f"# {title}\n" if title else ""
        for line in command_lines:
            result = fakekernel.run(args.tool, args.shim, shlex.split(line),
                                    env=env, **kernel)
            got = transcript(line, result)
            text += got
            problems = check_result(schemas, name, result)
            if not args.update:
                block = expected[number] if number < len(expected) else ""
                problems += differences(block, got)
            number += 1
            label = f"{name}: {title + ': ' if title else ''}vdpa {visible(line)}"
            tap.report(label.rstrip(), problems)
    if args.update:
        with open(golden_path(name), "w", encoding="utf-8") as file:
            file.write(text)
    elif number != len(expected):
        tap.report(f"{name}: as many command lines as in the golden file",
                   [f"{number} here, {len(expected)} there"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--shim", required=True)
    parser.add_argument("--update", action="store_true",
                        help="write the golden files anew")
    parser.add_argument("--only", help="run only what has this in its name")
    args = parser.parse_args()
    args.tool, args.shim = os.path.abspath(args.tool), os.path.abspath(args.shim)
    args.schemas = Schemas()

    tap = Tap()
    print("TAP version 13")
    for name, parts in scenarios.scenarios().items():
        if not args.only or args.only in name:
            run_scenario(args, tap, args.schemas, name, parts)
    for test in behaviour.TESTS:
        if args.only and args.only not in test.__name__:
            continue
        try:
            for name, problems, skip in test(args):
                tap.report(f"{test.__name__}: {name}", problems, skip)
        except Exception:
            tap.report(test.__name__, [traceback.format_exc()])
    if not args.schemas.jsonschema:
        tap.report("JSON schemas", skip="needs python3-jsonschema")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
