"""The house rules that no linter knows."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from listserv_py import errors
from listserv_py.cli import generate
from listserv_py.cli.main import program
from listserv_py.config import load
from listserv_py.texts.forms import Forms

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "listserv_py"
LONGEST_FILE = 400
LONGEST_FUNCTION = 40
EDGES = ("smtpd", "delivery", "authn", "resolver", "web", "tcpgui", "control", "daemon", "cli")
# The store's thread is where asyncio ends; everything below it is called in that thread.
ALSO_ASYNC = {"store/thread.py"}
# sqlite-utils imports it by itself when it is there.
USED_BY_OTHERS = {"pysqlite3", "tzdata"}

SMALL = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.arg, ast.keyword)
CODE = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEXTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@cache
def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(source(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All of its tree that is more than a name; to walk them all takes longer than to parse."""
    return tuple(node for node in ast.walk(tree(path)) if not isinstance(node, SMALL))


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def comments(path: Path, word: str) -> Iterator[str]:
    """What stands behind a comment's first word."""
    for line in source(path).splitlines():
        _, found, rest = line.partition(f"# {word}")
        if found:
            yield rest


def test_async_stands_only_at_the_edges() -> None:
    inside = [path for path in CODE if place(path).split("/")[0].removesuffix(".py") not in EDGES]
    found = {
        place(path)
        for path in inside
        for node in nodes(path)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncWith | ast.AsyncFor)
    }

    assert found <= ALSO_ASYNC


def test_no_file_is_two_rooms() -> None:
    assert {
        place(path): len(source(path).splitlines())
        for path in CODE
        if len(source(path).splitlines()) > LONGEST_FILE
    } == {}


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function, its docstring not counted."""
    return (
        (node.end_lineno or 0) - node.lineno + 1 - len((ast.get_docstring(node) or "").split("\n"))
    )


def test_no_function_is_two_steps() -> None:
    assert {
        f"{place(path)}:{node.name}": length(node)
        for path in CODE
        for node in functions(path)
        if length(node) > LONGEST_FUNCTION
    } == {}


def test_imports_stand_at_the_top() -> None:
    found = {
        f"{place(path)}:{inner.lineno}"
        for path in CODE
        if not place(path).startswith("cli/")
        for node in functions(path)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    }

    assert found == set()


def test_a_room_exports_nothing_by_its_init() -> None:
    for path in CODE:
        if path.name == "__init__.py" and path.parent != PACKAGE:
            assert len(tree(path).body) == 1, place(path)


def test_every_module_says_what_it_is_for() -> None:
    for path in CODE:
        first = (ast.get_docstring(tree(path)) or "").partition("\n")[0]
        assert first.endswith((".", "!", "?")), f"{place(path)}: {first}"


def test_exceptions_to_the_rules_give_their_rule_and_reason() -> None:
    wanted = re.compile(r"(\[[\w, -]+\]|: [A-Z]+\d+(, ?[A-Z]+\d+)*) +[-#] ?\S+")
    found = [
        f"{path.name}: {rest}"
        for path in CODE
        for word in ("noqa", "type: ignore")
        for rest in comments(path, word)
        if not wanted.match(rest)
    ]

    assert found == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "TYPE_CHECKING"])
def test_no_code_says(word: str) -> None:
    assert [place(path) for path in CODE if re.search(rf"\b{word}\b", source(path))] == []


@pytest.mark.parametrize("word", ["mock.patch", "time.sleep(", "asyncio.sleep(1"])
def test_no_test_says(word: str) -> None:
    found = [path.name for path in TESTS if word in source(path) and path != Path(__file__)]

    assert found == []


def user_errors(family: type[errors.UserError] = errors.UserError) -> Iterator[type]:
    for child in family.__subclasses__():
        yield child
        yield from user_errors(child)


@pytest.mark.parametrize("error", list(user_errors()), ids=lambda error: str(error.__name__))
def test_an_error_is_worded_by_its_form(error: type[errors.UserError]) -> None:
    made = error(*("x" for _ in error.fields))
    form = Forms.load().by_name.get(made.form)

    assert form, f"no form {made.form}"
    assert form.slots == set(made.slots())


def test_a_form_fits_on_a_terminal() -> None:
    too_long = {
        f"{name}: {line}"
        for name, form in Forms.load().by_name.items()
        for line in form.body.splitlines()
        if len(line) > 72
    }

    assert too_long == set()


def test_no_form_has_a_line_that_mailbox_files_would_change() -> None:
    for name, form in Forms.load().by_name.items():
        assert not [line for line in form.body.splitlines() if line.startswith("From ")], name


def standards() -> dict[str, tuple[str, str]]:
    """RFC number to state and places."""
    rows = re.findall(
        r"^\| RFC (\d+) \|[^|]*\| (yes|partly|no) \|([^|]*)\|",
        source(ROOT / "docs/standards.md"),
        re.MULTILINE,
    )
    return {number: (state, places) for number, state, places in rows}


def test_every_rfc_cited_is_listed() -> None:
    cited = {
        number: place(path) for path in CODE for number in re.findall(r"RFC (\d+)", source(path))
    }

    assert {number: where for number, where in cited.items() if number not in standards()} == {}


def test_every_rfc_listed_is_kept_where_it_says() -> None:
    for number, (state, places) in standards().items():
        named = re.findall(r"`([^`]+)`", places)
        assert named or state == "no", f"RFC {number} is {state}, but where?"
        for one in named:
            assert (PACKAGE / one).exists() or (ROOT / one).exists(), f"RFC {number}: {one}"


def test_an_rfc_is_cited_in_one_form() -> None:
    wrong = re.compile(r"\bRFC[-_]?\d|\brfc \d|RFC \d+,? ?(§|[Ss]ection)")
    found = {
        f"{path.name}: {match[0]}"
        for path in [*CODE, *TEXTS]
        for match in wrong.finditer(source(path))
    }

    assert found == set()


def test_the_generated_files_are_current() -> None:
    assert generate.stale(ROOT) == []


def test_every_dependency_is_used() -> None:
    project = tomllib.loads(source(ROOT / "pyproject.toml"))["project"]
    wanted = {re.split(r"[\[><=;]", line)[0].strip().lower() for line in project["dependencies"]}
    by_module = packages_distributions()
    imported = set()
    for path in CODE:
        for node in nodes(path):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
            elif isinstance(node, ast.Import):
                imported.update(name.name.split(".")[0] for name in node.names)
    names = {name for module in imported for name in by_module.get(module, ())}
    used = {name.lower().replace("_", "-") for name in names}

    assert wanted - used <= USED_BY_OTHERS


def test_every_link_in_the_texts_leads_somewhere() -> None:
    for text in TEXTS:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", source(text)):
            if not re.match(r"[a-z]+:", target):
                assert (text.parent / target).exists(), f"{text.name}: {target}"


def test_the_readme_names_only_commands_that_there_are() -> None:
    named = set(re.findall(r"\blistserv-py ([a-z][a-z-]*)(?=[ `\n])", source(ROOT / "README.md")))

    assert {"init", "check", "create", "queue", "backup", "dkim"} <= named <= set(program.commands)


def test_the_readmes_configuration_is_good(tmp_path: Path) -> None:
    lines = re.findall(r"^    (\[.*|[a-z_]+ = .*)$", source(ROOT / "README.md"), re.MULTILINE)
    path = tmp_path / "listserv.toml"
    path.write_text("\n".join(['[site]\ndomain = "lists.example.org"', *lines]))

    settings = load(path)
    assert [str(one.address) for one in settings.listen] == ["systemd:lmtp"]
    assert str(settings.delivery.relay) == "127.0.0.1:10025"


def test_notes_are_numbered_once_and_shaped_alike() -> None:
    notes = sorted((ROOT / "docs/notes").glob("*.md"))
    numbers = [note.name[:4] for note in notes]

    assert numbers == [f"{number:04}" for number in range(1, len(notes) + 1)]
    for note in notes:
        heads = re.findall(r"^## (.+)$", source(note), re.MULTILINE)
        assert heads == [
            "The question",
            "The choice",
            "What it costs",
            "What would change our mind",
        ]
