"""Errors say what, where and what to do; files are written whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from cptsgeo import files
from cptsgeo.errors import CptsGeoError, DataError, FileError, Finding, UsageError, raise_errors
from cptsgeo.files import whole_file, whole_folder
from cptsgeo.i18n import language


def finding(number: int, severity: str = "error") -> Finding:
    return Finding("rule", severity, f"problem {number}", f"fix {number % 2}", "a.csv", number, "insee_code")


def test_one_error_speaks_for_itself_and_keeps_its_rule():
    with pytest.raises(DataError) as refused:
        raise_errors([finding(3), finding(4, "warning")])
    assert str(refused.value) == "a.csv, ligne 3, colonne insee_code\u202f: problem 3\nQue faire\u202f: fix 1"
    assert refused.value.findings == (finding(3),)


def test_several_errors_are_listed_and_the_rest_counted():
    with pytest.raises(DataError) as refused:
        raise_errors(finding(number) for number in range(2, 50))
    lines = str(refused.value).splitlines()
    assert lines[0] == "a.csv\u202f: 48 erreurs dans les données"
    assert lines[2] == "  - a.csv, ligne 2, colonne insee_code\u202f: problem 2"
    assert lines[3] == "    fix 0"
    assert "8 de plus" in lines[-1]
    assert len(refused.value.findings) == 48


def test_warnings_stop_nothing():
    raise_errors([finding(1, "warning"), finding(2, "info")])


def test_messages_follow_the_language():
    error = CptsGeoError("wrong", fix="right", where="here")
    assert str(error) == "here\u202f: wrong\nQue faire\u202f: right"
    with language("en"):
        assert str(error) == "here: wrong\nWhat to do: right"


def test_children_are_also_what_python_calls_them():
    assert issubclass(UsageError, ValueError)
    assert issubclass(DataError, ValueError)
    assert issubclass(FileError, OSError)


def fail_after(path: Path, text: str) -> None:
    path.write_text(text)
    raise KeyError


def test_a_file_takes_its_place_whole(tmp_path):
    path = tmp_path / "new" / "folder" / "a.csv"
    with whole_file(path, overwrite=False) as part:
        part.write_text("x")
        assert not path.exists()
    assert path.read_text() == "x"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.csv"]


def test_nothing_is_left_of_a_file_that_failed(tmp_path):
    path = tmp_path / "new" / "folder" / "a.csv"
    with pytest.raises(KeyError), whole_file(path, overwrite=False) as part:
        fail_after(part, "half")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_only_on_demand(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(FileError, match="existe déjà") as refused, whole_file(path, overwrite=False):
        pass
    assert "--overwrite" in refused.value.fix
    with pytest.raises(KeyError), whole_file(path, overwrite=True):
        raise KeyError
    assert path.read_text() == "old"
    with whole_file(path, overwrite=True) as part:
        part.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("name", "words"),
    [("", "c’est un dossier"), ("file/x/a.csv", "rien ne peut y être écrit"), ("a" * 300, "rien ne peut y être écrit")],
)
def test_outputs_that_cannot_be_written(tmp_path, name, words):
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError, match=words), whole_file(tmp_path / name, overwrite=True):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_a_clean_error_and_other_faults_are_not_disguised(tmp_path):
    with pytest.raises(FileError, match="rien ne peut y être écrit"), whole_file(tmp_path / "a", overwrite=True):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(ConnectionResetError), whole_file(tmp_path / "a", overwrite=True):
        raise ConnectionResetError
    assert list(tmp_path.iterdir()) == []


def write_pages(folder: Path, text: str) -> None:
    (folder / "index.html").write_text(text)
    (folder / "tables").mkdir()


def test_a_folder_takes_its_place_whole_and_keeps_its_readme(tmp_path):
    path = tmp_path / "maps"
    path.mkdir()
    (path / "README.md").write_text("kept")
    with whole_folder(path, overwrite=False, keep=frozenset({"README.md"})) as new:
        write_pages(new, "1")
        assert not (path / "index.html").exists()
    with whole_folder(path, overwrite=True, keep=frozenset({"README.md"})) as new:
        write_pages(new, "2")
        (new / "tables" / "a.csv").write_text("a")
    assert (path / "index.html").read_text() == "2"
    assert (path / "README.md").read_text() == "kept"
    assert [entry.name for entry in tmp_path.iterdir()] == ["maps"]


def test_a_folder_that_failed_leaves_the_old_one(tmp_path):
    path = tmp_path / "maps"
    with whole_folder(path, overwrite=False) as new:
        write_pages(new, "old")
    with pytest.raises(KeyError), whole_folder(path, overwrite=True) as new:
        fail_after(new / "index.html", "half")
    assert (path / "index.html").read_text() == "old"
    with pytest.raises(KeyError), whole_folder(tmp_path / "a" / "b", overwrite=False):
        raise KeyError
    assert [entry.name for entry in tmp_path.iterdir()] == ["maps"]


def test_the_old_folder_comes_back_when_the_last_rename_fails(tmp_path, monkeypatch):
    path = tmp_path / "maps"
    with whole_folder(path, overwrite=False) as new:
        write_pages(new, "old")
    monkeypatch.setattr(files, "_exchanged", lambda one, other: False)
    rename = Path.rename

    def fail(self, target):
        if self.name == "new":
            raise PermissionError(errno.EACCES, "no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(PermissionError), whole_folder(path, overwrite=True) as new:
        write_pages(new, "new")
    assert (path / "index.html").read_text() == "old"


def test_folders_that_are_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "mine"
    path.mkdir()
    (path / "thesis.odt").write_text("years of work")
    cases = [(False, "n’est pas vide"), (True, "aucune page de cptsgeo")]
    for overwrite, words in cases:
        with pytest.raises(FileError, match=words), whole_folder(path, overwrite=overwrite):
            pass
    with pytest.raises(FileError, match="c’est un fichier"), whole_folder(path / "thesis.odt", overwrite=True):
        pass
    monkeypatch.chdir(tmp_path / "mine")
    for here in (Path(), tmp_path):
        with pytest.raises(FileError, match="où la commande est lancée"), whole_folder(here, overwrite=True):
            pass
    assert (path / "thesis.odt").read_text() == "years of work"
