import importlib.util
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

START = Path(__file__).parents[1] / "start.py"


@pytest.fixture
def start():
    """The module start.py, loaded afresh."""
    spec = importlib.util.spec_from_file_location("start", START)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def commands(start, monkeypatch, tmp_path):
    """What start.py would run; `venv` makes an empty environment, `failing` names fail."""
    ran = SimpleNamespace(all=[], failing=())

    def run(command, **options):
        ran.all.append(" ".join(command))
        if "venv" in command:
            folder = Path(command[-1])
            (folder / "bin").mkdir(parents=True, exist_ok=True)
            (folder / "bin" / "python").touch()
            (folder / "pyvenv.cfg").touch()
        code = int(any(name in ran.all[-1] for name in ran.failing))
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(start.subprocess, "run", run)
    monkeypatch.setattr(start, "ROOT", tmp_path / "checkout")
    start.ROOT.mkdir()
    (start.ROOT / "pyproject.toml").write_text("[project]")
    return ran


def installations(commands) -> list[str]:
    kinds = {"-m venv": "environment", "pip install": "installation"}
    return [kind for line in commands.all for sign, kind in kinds.items() if sign in line]


def test_a_fresh_environment_is_made_once(start, commands, tmp_path):
    environment = tmp_path / "environment"
    start.prepare(environment, {"test"})
    assert installations(commands) == ["environment", "installation"]
    assert any(line.endswith(f"--editable {start.ROOT}[test]") for line in commands.all)
    commands.all.clear()
    start.prepare(environment, {"test"})
    start.prepare(environment, set())
    assert installations(commands) == []


def test_a_changed_project_is_installed_again(start, commands, tmp_path):
    start.prepare(tmp_path / "environment", set())
    commands.all.clear()
    (start.ROOT / "pyproject.toml").write_text("[project] # changed")
    start.prepare(tmp_path / "environment", set())
    assert installations(commands) == ["installation"]


def test_what_is_needed_later_is_added_to_what_is_there(start, commands, tmp_path):
    start.prepare(tmp_path / "environment", {"cluster"})
    start.prepare(tmp_path / "environment", {"test"})
    assert commands.all[-1].endswith("[cluster,test]")


@pytest.mark.parametrize("failing", ["venv", "pip install"])
def test_what_was_interrupted_is_begun_again(start, commands, tmp_path, failing):
    commands.failing = (failing,)
    with pytest.raises(start.Stop, match=r"failed .see above.*Repeat the same command"):
        start.prepare(tmp_path / "environment", set())
    commands.failing = ()
    commands.all.clear()
    start.prepare(tmp_path / "environment", set())
    assert installations(commands) == ["environment", "installation"]


def test_an_environment_without_a_working_pip_is_made_again(start, commands, tmp_path):
    start.prepare(tmp_path / "environment", set())
    commands.all.clear()
    (tmp_path / "environment" / "bin" / "python").unlink()
    start.prepare(tmp_path / "environment", set())
    assert installations(commands) == ["environment", "installation"]


def test_an_environment_of_another_python_is_made_again(start, commands, tmp_path, monkeypatch):
    start.prepare(tmp_path / "environment", set())
    commands.all.clear()
    monkeypatch.setattr(sys, "version", "3.99.0 (main)")
    start.prepare(tmp_path / "environment", set())
    assert installations(commands) == ["environment", "installation"]


def test_a_folder_with_something_else_is_left_alone(start, commands, tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(start.Stop, match="holds something else: name another folder"):
        start.prepare(tmp_path, set())
    assert not commands.all
    assert (tmp_path / "thesis.tex").exists()


def test_an_old_python_is_told_which_is_needed(start, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    monkeypatch.setattr(sys, "version", "3.8.18 (default)")
    monkeypatch.setattr(start.shutil, "which", lambda name: name == "python3.12")
    with pytest.raises(start.Stop, match=r"Python 3\.11 .* this is 3\.8\.18\. Try: python3\.12 st"):
        start.check_python()


def test_a_python_without_ensurepip_is_told_what_to_install(start, monkeypatch):
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(start.Stop, match="apt install python3-venv"):
        start.check_python()


@pytest.mark.parametrize(
    ("command", "arguments", "extras"),
    [
        ("reproduce", [], set()),
        ("reproduce", ["--cluster", "local"], {"cluster"}),
        ("reproduce", ["--cluster=local"], {"cluster"}),
        ("test", ["-k", "x"], {"test"}),
        ("test-slow", [], {"test"}),
    ],
)
def test_only_what_the_command_needs_is_installed(start, command, arguments, extras):
    assert start.extras_for(command, arguments) == extras


@pytest.mark.parametrize("failing", ["ruff check", "ruff format", "mypy", "pytest"])
def test_every_check_runs_and_one_failure_is_a_failure(start, commands, tmp_path, failing, capsys):
    commands.failing = (f"-m {failing}",)
    assert start.run("test", ["-k", "x"], tmp_path) == 1
    assert [line.split("-m ")[1].split()[0] for line in commands.all] == [
        *("ruff", "ruff", "mypy", "pytest")
    ]
    assert commands.all[-1].endswith("-k x")
    assert capsys.readouterr().out.endswith(f"Failed: {failing}\n")


def test_all_checks_passing_is_a_success(start, commands, tmp_path):
    assert start.run("test", [], tmp_path) == 0


def test_the_exit_code_of_the_program_is_passed_on(start, commands, tmp_path):
    assert start.run("reproduce", ["--seed", "3"], tmp_path) == 0
    assert commands.all[-1].endswith("reproduce --seed 3")
    commands.failing = ("reproduce",)
    assert start.run("reproduce", [], tmp_path) == 1


def test_it_needs_the_standard_library_only():
    code = f"import sys; sys.path.insert(0, {str(START.parent)!r}); import start"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
