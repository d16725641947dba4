"""The bench stands by itself: the tests may use what it has, and not the other way round."""

import ast
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"


def _imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def test_the_bench_imports_no_tests() -> None:
    modules = {path: _imported(path) for path in BENCH.rglob("*.py")}
    assert modules
    tops = {(str(path.relative_to(BENCH)), name) for path, names in modules.items() for name in names}
    assert {(path, name) for path, name in tops if name.partition(".")[0] == "tests"} == set()
