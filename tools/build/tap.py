# SPDX-License-Identifier: GPL-2.0
"""
Reads TAP as tests of the kernel print it: a document may follow another, and
may be nested in one, indented by blanks or by "# " as run by kselftest. Of
nested documents the innermost points count; the line of the outer one that
sums them up counts only if it knows of a failure that they do not. A nested
document of KUnit's needs no plan: tests with parameters print none.
"""

import re

VERSION = re.compile(r"^((?:# |    |  |\t)*)(K?)TAP version \d+\s*$")
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*skip\b[:\s]*(.*))?", re.I)
POINT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:- )?(.*)$")
SKIP = re.compile(r"#\s*skip\b", re.I)
BAIL_OUT = re.compile(r"^Bail out!\s*(.*)$")


class Document:
    """One document that has begun and not ended yet."""

    def __init__(self, prefix, may_lack_plan):
        self.prefix = prefix
        self.may_lack_plan = may_lack_plan
        self.plan = None
        self.points = 0
        # What ended documents nested in it told since its last point.
        self.nested = False
        self.nested_failed = False


class Reader:
    """Takes lines; knows how many points passed and were skipped, and which failed."""

    def __init__(self):
        self.passed = 0
        self.skipped = 0
        self.failures = []
        self.stack = []
        self.documents = 0

    def record(self, good, text, skip=False):
        if not good:
            self.failures.append(f"not ok: {text}")
        elif skip:
            self.skipped += 1
        else:
            self.passed += 1

    def feed(self, line):
        start = VERSION.match(line)
        if start:
            self._begin(start[1], ktap=bool(start[2]))
            return
        for document in reversed(self.stack):
            if line.startswith(document.prefix) and self._take(document, line):
                return

    def finish(self):
        """Ends all documents; to be called once, after the last line."""
        self._end_down_to(0)
        if not self.documents:
            self.record(False, "no TAP came")

    def _begin(self, prefix, ktap):
        depth = next((i for i, document in enumerate(self.stack)
                      if len(document.prefix) >= len(prefix)), len(self.stack))
        self._end_down_to(depth)
        self.stack.append(Document(prefix, may_lack_plan=ktap and depth > 0))
        self.documents += 1

    def _take(self, document, line):
        """Whether the line is one of this document's."""
        text = line[len(document.prefix):]
        plan, point, bail = PLAN.match(text), POINT.match(text), BAIL_OUT.match(text)
        if not (plan or point or bail):
            return False
        self._end_down_to(self.stack.index(document) + 1)
        if bail:
            self.record(False, f"bailed out: {bail[1]}")
            document.nested_failed = True
        elif plan:
            self._take_plan(document, int(plan[1]), plan[2])
        else:
            self._take_point(document, not point[1], point[3])
        return True

    def _take_plan(self, document, plan, skip_reason):
        document.plan = plan
        if plan == 0:
            self.record(True, "", skip=True)
            document.nested = True
        elif skip_reason is not None:
            document.plan = None

    def _take_point(self, document, good, text):
        document.points += 1
        known = document.nested if good else document.nested_failed
        if not known:
            self.record(good, text, skip=bool(SKIP.search(text)))
        self._mark_outer(document, failed=not good)
        document.nested = document.nested_failed = False

    def _mark_outer(self, document, failed):
        """Tells the document around it that its next point was told in detail."""
        index = self.stack.index(document)
        if index:
            outer = self.stack[index - 1]
            outer.nested = True
            outer.nested_failed |= failed

    def _end_down_to(self, depth):
        while len(self.stack) > depth:
            document = self.stack[-1]
            wrong = None
            if document.plan is None and document.may_lack_plan and document.points:
                pass    # the point around it says that it came to its end
            elif document.plan is None:
                wrong = f"a test ended without a plan after {document.points} points"
            elif document.plan != document.points:
                wrong = f"a test planned {document.plan} points and made {document.points}"
            if wrong:
                self.record(False, wrong)
                self._mark_outer(document, failed=True)
            elif document.plan == 0:
                self._mark_outer(document, failed=False)
            self.stack.pop()
