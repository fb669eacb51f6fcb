"""Whatever changes something says who does it, and writes that to the trail before it does."""

import ast
from pathlib import Path

import pytest

ENGINES = Path(__file__).resolve().parents[2] / "engines"
#: Public functions of `actions` modules that write no entry themselves, and why that is right.
NO_ACT = {
    "accounts.issue_token": "by whoever starts the console; using the token is written down",
    "accounts.token_works": "changes nothing",
    "builds.spool_dockerfile": "a file that only a build can use, which is written down",
    "builds.spool_context": "a file that only a build can use, which is written down",
    "endpoints.draft": "is not saved",
    "containers.told": "changes nothing",
}
#: Those that do, without `by`: nobody is logged in.
NOBODY_YET = {
    "accounts.create_first_administrator",
    "accounts.create_administrator_from_settings",
    "users.set_password",
}


def functions():
    for path in sorted(ENGINES.glob("*/actions.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                yield f"{path.parent.name}.{node.name}", node


FUNCTIONS = dict(functions())


def takes_by(node: ast.FunctionDef) -> bool:
    return "by" in {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}


def writes(node: ast.FunctionDef) -> bool:
    """Calls the trail, or hands `by` on to a start of an operation, which does."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        called = ast.unparse(call.func)
        if called.startswith("trail.") and called != "trail.NotDone":
            return True
        if called in {"start", "actions.start"} and "by" in {keyword.arg for keyword in call.keywords}:
            return True
    return False


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_changes_something_is_written_down(name):
    assert writes(FUNCTIONS[name]) != (name in NO_ACT), f"{name}: wrap it in trail.act, or say in NO_ACT why not"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_changes_something_says_who_does_it(name):
    assert takes_by(FUNCTIONS[name]) or name in NO_ACT or name in NOBODY_YET, f"{name}: takes no `by`"


def test_no_exception_outlives_its_function():
    assert set(NO_ACT) | NOBODY_YET <= set(FUNCTIONS)
