#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
gen-grammar.py SPEC - turns a netlink specification into the tables of nlfuzz.

Prints a C header: the attributes with their types and lengths, the requests
with the attributes they take, the messages that come back.
"""

import sys

import yaml

TYPES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "s32": 4}


class Spec:
    """What the specification says, with all numbers filled in."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            spec = yaml.safe_load(file)
        if spec["operations"]["enum-model"] != "directional":
            sys.exit(f"{path}: numbers of operations are not directional")
        self.family = spec["name"]
        self.version = spec.get("version", 1)
        self.groups = [group["name"] for group in spec["mcast-groups"]["list"]]
        # the other sets are what is nested in these, which only the kernel sends
        self.sets = {group["name"]: self.number(group["attributes"])
                     for group in spec["attribute-sets"][:1]}
        self.ops = {op["name"]: op for op in spec["operations"]["list"]}

    @staticmethod
    def number(attributes):
        """Attributes by name; the first is 1, each other one more than the last."""
        value, numbered = 0, {}
        for attribute in attributes:
            value = attribute.get("value", value + 1)
            numbered[attribute["name"]] = dict(attribute, value=value)
        return numbered

    def requests(self):
        """(name, command, is a dump, attributes) of each request"""
        for name, op in self.ops.items():
            command = None
            for mode in ("do", "dump"):
                request = op.get(mode, {}).get("request")
                if request is None:
                    continue
                command = request.get("value", command)
                attrs = self.sets[op["attribute-set"]]
                yield (f"{name} {mode}", command, mode == "dump",
                       [attrs[attr] for attr in request.get("attributes", [])])

    def reply_attrs(self, op):
        """Attributes that an operation replies with: the same for do and dump"""
        for mode in ("do", "dump"):
            reply = op.get(mode, {}).get("reply")
            if reply:
                attrs = self.sets[op["attribute-set"]]
                return reply, [attrs[attr] for attr in reply["attributes"]]
        return None, []

    def messages(self):
        """(name, command, is an event, attributes) of what the kernel sends"""
        for name, op in self.ops.items():
            if "notify" in op:
                _, attrs = self.reply_attrs(self.ops[op["notify"]])
                yield name, op["value"], True, attrs
            else:
                reply, attrs = self.reply_attrs(op)
                if reply:
                    command = reply.get("value", op.get("do", {}).get("request", {}).get("value"))
                    yield name, command, False, attrs


def attr_row(attr):
    kind, checks = attr["type"], attr.get("checks", {})
    if kind in TYPES:
        low = high = TYPES[kind]
        kind = "number"
    elif kind in ("binary", "nest"):
        kind = "binary"
        low = checks.get("exact-len", checks.get("min-len", 0))
        high = checks.get("exact-len", checks.get("max-len", 0xffff))
    elif kind == "string":
        low, high = 1, checks.get("max-len", 0xffff)
    else:
        sys.exit(f"attribute {attr['name']}: type {kind} is not known here")
    return f'\t{{ "{attr["name"]}", {attr["value"]}, TYPE_{kind.upper()}, {low}, {high} }},'


def table(kind, name, rows):
    return [f"static const struct grammar_{kind} grammar_{name}[] = {{", *rows, "};", ""]


def call_row(name, command, flag, attrs):
    numbers = ", ".join(str(attr["value"]) for attr in attrs)
    return (f'\t{{ "{name}", {command}, {str(flag).lower()}, {len(attrs)},\n'
            f'\t  {{ {numbers} }} }},')


def main(path):
    spec = Spec(path)
    attrs = [attr for group in spec.sets.values() for attr in group.values()]
    lines = ["/* SPDX-License-Identifier: GPL-2.0 */",
             "/* Made by gen-grammar.py from the netlink specification */", "",
             f'#define GRAMMAR_FAMILY\t"{spec.family}"',
             f"#define GRAMMAR_VERSION\t{spec.version}",
             f'#define GRAMMAR_GROUP\t"{spec.groups[0]}"', ""]
    lines += [f"#define ATTR_{name.replace('-', '_').upper()}\t{attr['value']}"
              for group in spec.sets.values() for name, attr in group.items()]
    lines.append("")
    lines += [f"#define REQUEST_{name.upper().replace('-', '_').replace(' ', '_')}\t{command}"
              for name, command, _, _ in spec.requests()]
    lines.append("")
    lines += [f"#define EVENT_{name.replace('-', '_').upper()}\t{command}"
              for name, command, event, _ in spec.messages() if event]
    lines.append("")
    lines += table("attr", "attrs", map(attr_row, attrs))
    lines += table("call", "requests", [call_row(*row) for row in spec.requests()])
    lines += table("call", "messages", [call_row(*row) for row in spec.messages()])
    print("\n".join(lines[:-1]))


if __name__ == "__main__":
    main(sys.argv[1])
