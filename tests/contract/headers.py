# SPDX-License-Identifier: MIT
"""What the public headers declare, read the way a person reads them. Shared by the checks beside it."""
import pathlib
import re

# In this order. The three that every function has come with a reason: who may call it, can it stall me,
# and may I count on it being there.
LABELS = ["Takes", "Gives", "Threads", "Blocks", "Returns", "Errors", "Since"]
REQUIRED = ["Threads", "Blocks", "Since"]

COMMENT = re.compile(r"/\*.*?\*/", re.S)
DECLARATION = re.compile(r"^LIMINAL_API\b[^;{]*;", re.S | re.M)


def public(root):
    """All public headers, by the path they are included with."""
    include = pathlib.Path(root) / "include"
    return sorted(path.relative_to(include).as_posix() for path in include.rglob("*.h"))


def statuses(root):
    text = (pathlib.Path(root) / "include/liminal/status.h").read_text()
    return set(re.findall(r"^\s*X\((\w+), \d+, ", text, re.M))


class Function:
    def __init__(self, header, line, contract, text):
        self.header, self.line, self.contract = header, line, contract
        self.text = " ".join(text.split())
        bare = re.sub(r"LIMINAL_(API|CHECKED|TAKE|GIVE)\b|LIMINAL_PRINTF\([^)]*\)", " ", self.text)
        self.name = re.search(r"(\w+)\s*\(", bare).group(1)
        self.returns_status = re.match(r"\s*liminal_status\s+\w+\s*\(", bare) is not None

    def where(self):
        return f"include/{self.header}:{self.line}: {self.name}"


def functions(root):
    """Every function that is declared LIMINAL_API, with the comment that ends on the line above it."""
    for header in public(root):
        text = (pathlib.Path(root) / "include" / header).read_text()
        comments = {m.end(): m.group() for m in COMMENT.finditer(text)}
        for m in DECLARATION.finditer(text):
            contract = comments.get(m.start() - 1)
            if contract is not None and not contract.startswith("/**"):
                contract = None
            yield Function(header, text.count("\n", 0, m.start()) + 1, contract, m.group())
