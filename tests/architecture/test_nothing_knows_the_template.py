"""The engines and the product know no app: the words of the template's business stand in its definitions alone."""

import re
from pathlib import Path

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


def strangers(path: Path) -> list[str]:
    """Lines of a file that name the template's business, with their places."""
    text = path.read_text("utf-8")
    if not PATTERN.search(EXCUSED.sub("", text)):
        return []
    lines = enumerate(text.splitlines(), 1)
    return [f"{path}:{n}: {line.strip()}" for n, line in lines if PATTERN.search(EXCUSED.sub("", line))]


def test_no_source_file_names_the_business_of_the_template() -> None:
    assert len(FILES) > 500
    assert [line for path in FILES for line in strangers(path)] == []


def test_the_check_itself_finds_them(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text('TEMPLATE = "kam_template"\nif tier and quadrant == "cow":\n    pass\n', "utf-8")
    assert [line.split(": ")[0][-3:] for line in strangers(source)] == ["y:2"]
