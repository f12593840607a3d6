"""Archives that lie: paths outside, bombs, links, damage; ZIP and 7z."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import py7zr
import pytest

from cptsgeo.errors import FileError
from cptsgeo.sources.archives import UnpackLimits, is_archive, unpack


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def sevenzipped(path: Path, members: dict[str, bytes]) -> Path:
    with py7zr.SevenZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writef(io.BytesIO(content), name)
    return path


@pytest.mark.parametrize("pack", [zipped, sevenzipped])
def test_wanted_members_come_out_flat(tmp_path: Path, pack: Callable[..., Path]) -> None:
    archive = pack(tmp_path / "a.bin", {"IGN/1_DONNEES/COMMUNE.gpkg": b"g" * 100, "IGN/lisez-moi.txt": b"t"})
    folder = tmp_path / "out"
    folder.mkdir()
    assert is_archive(archive)
    assert unpack(archive, folder, "*.GPKG") == [folder / "COMMUNE.gpkg"]
    assert [path.name for path in folder.iterdir()] == ["COMMUNE.gpkg"]


@pytest.mark.parametrize("name", ["../../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "..\\evil.csv", "C:/evil.csv"])
def test_a_path_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    archive = zipped(tmp_path / "a.zip", {"good.csv": b"a;b", name: b"x"})
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(FileError, match="mène hors"):
        unpack(archive, folder, "*.csv")
    assert list(folder.iterdir()) == []
    assert not list(tmp_path.rglob("evil*"))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"bomb.csv": b"0" * 5_000_000})
    with pytest.raises(FileError, match="refusé"):
        unpack(archive, tmp_path, "*.csv")
    assert not (tmp_path / "bomb.csv").exists()
    with pytest.raises(FileError, match="refusé"):
        unpack(archive, tmp_path, "*.csv", UnpackLimits(ratio=10_000, bytes=1_000_000))


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {f"{number}.csv": b"a" for number in range(20)})
    with pytest.raises(FileError, match="20 fichiers"):
        unpack(archive, tmp_path, "3.csv", UnpackLimits(files=10))


def test_a_member_longer_than_it_says_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": bytes(range(256)) * 40})
    content = path.read_bytes().replace((256 * 40).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    path.write_bytes(content)
    with pytest.raises(FileError):
        unpack(path, tmp_path, "*.csv")


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("secret.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(FileError, match="lien"):
        unpack(path, tmp_path, "*.csv")
    assert not (tmp_path / "secret.csv").exists()


@pytest.mark.parametrize("pack", [zipped, sevenzipped])
def test_a_truncated_archive_is_refused(tmp_path: Path, pack: Callable[..., Path]) -> None:
    archive = pack(tmp_path / "a.bin", {"a.csv": bytes(range(256)) * 400})
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(FileError, match="endommagée"):
        unpack(archive, tmp_path, "*.csv")


def test_an_archive_without_the_wanted_file_says_what_it_holds(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"autre.txt": b"x"})
    with pytest.raises(FileError, match=r"autre\.txt"):
        unpack(archive, tmp_path, "*.csv")
