"""The package as a whole: names, versions, size and import laws."""

import ast
import importlib
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import steepest

ROOT = Path(__file__).parents[1]
SOURCE = Path(steepest.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
FRONT_DOORS = {  # the calls of contracts, documented parameter by parameter: ours, and scikit-learn's constructors
    ("fitting.py", "fit"): 30,
    ("data/inference.py", "schema"): 9,
    ("forecasting.py", "forecast"): 9,
    ("kernels/mixed_fused.py", "one_pass"): 11,  # compiled code takes no records
    ("kernels/mixed_fused.py", "look"): 9,
    ("regularisation.py", "regularisation_path"): 13,
    ("estimator/logistic.py", "__init__"): 25,
    ("estimator/cross_validation.py", "__init__"): 28,
}

LINES_OF_A_FUNCTION, LINES_OF_A_MODULE, PARAMETERS = 60, 300, 8


def relative(path):
    return str(path.relative_to(SOURCE))


def in_fresh_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_all_is_complete_and_importable():
    for name in steepest.__all__:
        assert getattr(steepest, name) is not None
    assert {"fit", "graph", "Fit", "Graph", "Status", "DataError", "formulas"} <= set(steepest.__all__)
    assert sorted(steepest.__all__) == dir(steepest)
    assert not hasattr(steepest, "no_such_name")


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_every_name_in_all_exists(path):
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    if parts[-1] == "__main__":
        return
    module = importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    for name in getattr(module, "__all__", ()):
        assert hasattr(module, name), name


def test_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert steepest.__version__ == project["version"]
    changelog = ROOT / "CHANGELOG.md"
    if changelog.exists():
        headings = [line for line in changelog.read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
        assert any(steepest.__version__ in line for line in headings[:2]), headings[:2]


def test_the_package_is_typed():
    assert (SOURCE / "py.typed").exists()


def test_importing_it_loads_nothing_else():
    code = "import sys, steepest; print([m for m in ('numpy', 'scipy', 'click', 'rich') if m in sys.modules])"
    assert in_fresh_python(code) == "[]"


def test_a_small_table_is_fitted_without_what_takes_long_to_load(tmp_path):
    table = tmp_path / "small.csv"
    table.write_text("x,y\n" + "".join(f"{i},{int(i % 7 > 2)}\n" for i in range(40)), encoding="utf-8")
    slow = ["duckdb", "narwhals", "numba", "plotext", "scipy.linalg", "scipy.sparse", "sklearn"]
    code = (
        "import sys; from steepest.cli import main\n"
        f"try: main(['fit', {str(table)!r}, '--target', 'y'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        f"print('\\n', [m for m in {slow} if m in sys.modules])"
    )
    assert in_fresh_python(code).splitlines()[-1].strip() == "[]"


@pytest.mark.parametrize("first", ["steepest.fitting", "steepest.teach.graph", "steepest.result", "steepest.cli"])
def test_the_front_door_is_a_function_whatever_was_imported_first(first):
    assert in_fresh_python(f"import {first}, steepest; print(type(steepest.fit).__name__)") == "function"


def test_no_drawer_for_everything():
    for path in SOURCE.rglob("*"):
        assert path.stem not in {"utils", "util", "misc", "helpers", "common", "tools"}, path


def functions(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(node):
    """Lines of the body, docstring apart."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def parameters(node):
    given = node.args
    names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_sizes(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LINES_OF_A_MODULE, f"{lines} lines"
    for node in functions(path):
        assert body_lines(node) <= LINES_OF_A_FUNCTION, f"{node.name} has {body_lines(node)} lines"
        if "click" in ast.unparse(node.decorator_list[0] if node.decorator_list else ast.Constant(0)):
            continue  # a command's parameters are its options, documented by --help
        allowed = FRONT_DOORS.get((relative(path), node.name), PARAMETERS)
        assert parameters(node) <= allowed, f"{node.name} has {parameters(node)} parameters"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_import_inside_a_function(path):
    for node in functions(path):
        inside = [each for each in ast.walk(node) if isinstance(each, ast.Import | ast.ImportFrom)]
        assert not inside, f"{node.name} imports {ast.unparse(inside[0])}"


def test_import_contracts():
    tool = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip("import-linter is not installed")
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
