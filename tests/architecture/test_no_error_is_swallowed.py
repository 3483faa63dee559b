"""A caught ``Exception`` belongs at an edge, where it is logged with its traceback, or is raised again."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [path for folder in ("engines", "builder", "migrations") for path in sorted((ROOT / folder).rglob("*.py"))]
BROAD = {"Exception", "BaseException"}


def broad_handlers(tree: ast.AST) -> Iterator[ast.ExceptHandler]:
    """Handlers that catch everything."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(item is None or (isinstance(item, ast.Name) and item.id in BROAD) for item in caught):
                yield node


def tells(handler: ast.ExceptHandler) -> bool:
    """Whether the handler raises again, or logs the traceback."""
    for node in ast.walk(handler):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "exception":
            return True
    return False


def suppresses(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls of ``suppress`` that swallow everything."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            if any(isinstance(item, ast.Name) and item.id in BROAD for item in node.args):
                yield node


def silent_lines(path: Path) -> list[str]:
    """Places in a file where everything is caught and nothing told."""
    text = path.read_text("utf-8")
    if not any(word in text for word in ("Exception", "except:", "suppress")):
        return []
    tree = ast.parse(text)
    silent = [handler.lineno for handler in broad_handlers(tree) if not tells(handler)]
    return [f"{path}:{line}" for line in silent + [call.lineno for call in suppresses(tree)]]


def test_whoever_catches_everything_tells() -> None:
    assert len(FILES) > 300
    assert [line for path in FILES for line in silent_lines(path)] == []


@pytest.mark.parametrize(
    ("text", "silent"),
    [
        ("try:\n    f()\nexcept Exception:\n    pass", 1),
        ("try:\n    f()\nexcept:\n    x = 1", 1),
        ("try:\n    f()\nexcept (ValueError, Exception) as error:\n    log.warning(error)", 1),
        ("try:\n    f()\nexcept Exception:\n    log.exception('fault')", 0),
        ("try:\n    f()\nexcept Exception as error:\n    raise Bad from error", 0),
        ("try:\n    f()\nexcept ValueError:\n    pass", 0),
    ],
)
def test_the_check_itself_tells_them_apart(text: str, silent: int) -> None:
    assert sum(not tells(handler) for handler in broad_handlers(ast.parse(text))) == silent
