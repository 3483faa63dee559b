"""The engines and the product know no app: the words of the template's business stand in its definitions alone."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORDS = (
    "kam|crm|rfm|nps|accounts? managers?|account_manager|sales_director|rapid_response|tier_review|"
    "service_plan|quadrant|cash.?cow|客户(?!端)|大客户|象限|工单|现金牛"
)
PATTERN = re.compile(rf"(?<![a-z])(?:{WORDS})(?![a-z])", re.IGNORECASE)
# The path of the template that is installed by default, and nothing else.
EXCUSED = re.compile(r"kam_template")
SUFFIXES = {".py", ".ts", ".html", ".css", ".json", ".lark", ".js", ".po"}
FILES = [
    path
    for folder in ("engines", "builder", "migrations")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in SUFFIXES and not {"node_modules", "dist", "docs", "examples", "invalid"} & set(path.parts)
]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_source_file_names_no_business_of_the_template(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    found = [f"{n}: {line.strip()}" for n, line in enumerate(lines, 1) if PATTERN.search(EXCUSED.sub("", line))]
    assert found == []
