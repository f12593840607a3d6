"""What goes wrong on a network: each fault on the loopback server, and the file that was there untouched."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from cptsgeo.errors import FileError
from cptsgeo.sources.download import Fetched, Limits, NotThereError, fetch, make_client
from tests.faults.conftest import QUICK, Server, cut, drip, whole

TABLE = b"a;b\n" + b"1;2\n" * 5_000
LOGIN = b"\n <!DOCTYPE html><html><body>Identifiez-vous</body></html>"


def get(server: Server, target: Path, *, path: str = "/f.csv", limits: Limits = QUICK, form: str = "csv") -> Fetched:
    with make_client(limits) as client:
        return fetch(client, server.at(path), target, limits=limits, form=form)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A good file that a failure must leave as it is."""
    path = tmp_path / "f.csv"
    path.write_bytes(b"good")
    return path


def test_a_file_comes_whole_under_its_own_name(server: Server, target: Path) -> None:
    server.answers["/f.csv"] = whole(TABLE, Content_Disposition='attachment; filename="../pop2023.csv"', ETag='"x"')
    assert get(server, target) == Fetched("pop2023.csv", '"x"', "")
    assert target.read_bytes() == TABLE
    assert [path.name for path in target.parent.iterdir()] == ["f.csv"]


def test_a_missing_file_is_said_at_once(server: Server, target: Path) -> None:
    with pytest.raises(NotThereError, match="404"):
        get(server, target)
    assert len(server.asked) == 1
    assert target.read_bytes() == b"good"


def test_an_error_of_the_server_is_retried(server: Server, target: Path) -> None:
    server.answers["/f.csv"] = lambda request, count: (whole(b"oops", status=500) if count < 3 else whole(TABLE))(
        request, count
    )
    get(server, target)
    assert target.read_bytes() == TABLE
    assert len(server.asked) == 3


def test_tries_are_bounded(server: Server, target: Path) -> None:
    server.answers["/f.csv"] = whole(b"oops", status=503)
    with pytest.raises(FileError, match="503"):
        get(server, target)
    assert len(server.asked) == QUICK.attempts
    assert target.read_bytes() == b"good"


def test_a_cut_download_goes_on_where_it_stopped(server: Server, target: Path) -> None:
    server.answers["/f.csv"] = cut(TABLE, after=7_000)
    get(server, target)
    assert target.read_bytes() == TABLE
    assert server.asked[1][1]["Range"] == "bytes=7000-"


def test_a_server_that_cannot_resume_sends_the_whole_again(server: Server, target: Path) -> None:
    server.answers["/f.csv"] = cut(TABLE, after=7_000, resumes=False)
    get(server, target)
    assert target.read_bytes() == TABLE


def test_another_version_is_never_glued_to_the_first(server: Server, target: Path) -> None:
    other = TABLE.replace(b"1;2", b"3;4")

    def answer(request: object, count: int) -> None:
        (cut(TABLE, 7_000) if count == 1 else cut(other, len(other), etag='"v2"'))(request, 2 if count > 1 else 1)

    server.answers["/f.csv"] = answer
    get(server, target)
    assert target.read_bytes() == other


def test_a_range_that_was_not_asked_for_is_not_glued(server: Server, target: Path) -> None:
    def answer(request: object, count: int) -> None:
        if count == 2:
            whole(TABLE[:50], status=206, Content_Range="bytes 0-49/20004")(request, count)
        else:
            cut(TABLE, 7_000)(request, count)

    server.answers["/f.csv"] = answer
    get(server, target)
    assert target.read_bytes() == TABLE


def test_a_slow_drip_is_given_up(server: Server, target: Path) -> None:
    server.answers["/f.csv"] = drip(TABLE, pause=0.03)
    with pytest.raises(FileError, match="trop lentement"):
        get(server, target, limits=replace(QUICK, attempts=1))
    assert target.read_bytes() == b"good"


def test_fewer_bytes_than_announced_are_refused(server: Server, target: Path) -> None:
    server.answers["/f.csv"] = lambda request, count: cut(TABLE, 100, resumes=False)(request, 1)
    with pytest.raises(FileError):
        get(server, target)
    assert target.read_bytes() == b"good"


@pytest.mark.parametrize(
    ("content", "words"), [(LOGIN, "page web"), (b"", "vide"), (b"PK\x03\x04zip", "n’est pas ce qui était attendu")]
)
def test_what_is_not_data_is_refused_with_status_200(server: Server, target: Path, content: bytes, words: str) -> None:
    server.answers["/f.csv"] = whole(content, kind="text/csv")
    with pytest.raises(FileError, match=words):
        get(server, target)
    assert target.read_bytes() == b"good"
    assert [path.name for path in target.parent.iterdir()] == ["f.csv"]


def test_a_loop_of_redirects_ends(server: Server, target: Path) -> None:
    server.answers["/f.csv"] = whole(b"", status=302, Location="/f.csv")
    with pytest.raises(FileError, match="redirige sans fin"):
        get(server, target)
    assert len(server.asked) <= 8


def test_too_large_a_file_is_refused_before_it_is_fetched(server: Server, target: Path) -> None:
    server.answers["/f.csv"] = whole(TABLE)
    with pytest.raises(FileError, match="plus que"):
        get(server, target, limits=replace(QUICK, max_bytes=10_000))


def test_no_server_is_a_clear_message(target: Path) -> None:
    nobody = Server("http://127.0.0.1:9")
    with pytest.raises(FileError, match="--mirror"):
        get(nobody, target)
    assert target.read_bytes() == b"good"


def test_the_proxy_of_the_machine_is_used(server: Server, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.address)
    server.answers["*"] = whole(TABLE)
    with make_client(QUICK) as client:
        fetch(client, "http://producer.invalid/f.csv", target, limits=QUICK, form="csv")
    assert server.asked[0][0] == "http://producer.invalid/f.csv"
    assert target.read_bytes() == TABLE


def test_certificates_of_the_machine_are_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "absent.pem"))
    with pytest.raises(FileError, match="certificats"):
        make_client(QUICK)


SMALL_DISK = """
    import resource, signal, sys
    from pathlib import Path
    from cptsgeo.errors import FileError
    from cptsgeo.sources.download import Limits, fetch, make_client
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))
    limits = Limits(attempts=1, timeout=2.0)
    with make_client(limits) as client:
        try:
            fetch(client, sys.argv[1], Path(sys.argv[2]), limits=limits, form="csv")
        except FileError as error:
            print(error.fix)
            raise SystemExit(1)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are those of POSIX")
def test_a_full_disk_leaves_what_was_there(server: Server, target: Path) -> None:
    server.answers["/f.csv"] = whole(TABLE)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SMALL_DISK), server.at("/f.csv"), str(target)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 1, done.stderr
    assert "CPTSGEO_DATA" in done.stdout
    assert target.read_bytes() == b"good"


KILLED = """
    import sys
    from pathlib import Path
    from cptsgeo.sources.download import Limits, fetch, make_client
    limits = Limits(attempts=1, timeout=20.0)
    def told(done, total):
        if done >= 5_000:
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)
    with make_client(limits) as client:
        fetch(client, sys.argv[1], Path(sys.argv[2]), limits=limits, form="csv", progress=told)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is that of POSIX")
def test_a_killed_process_leaves_what_was_there_and_the_next_resumes(server: Server, target: Path) -> None:
    server.answers["/f.csv"] = cut(TABLE, after=len(TABLE))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), server.at("/f.csv"), str(target)],
        capture_output=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == -9
    assert target.read_bytes() == b"good"
    part = target.with_name("f.csv.part")
    part.write_bytes(TABLE[:8_000])
    get(server, target)
    assert target.read_bytes() == TABLE
    assert server.asked[-1][1]["Range"] == "bytes=8000-"
