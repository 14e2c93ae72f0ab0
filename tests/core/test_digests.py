"""Digests beside files: damage and mixed files are noticed, whatever they hold."""

import subprocess
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bdgf.core.digests import (
    DigestError,
    check_at_load,
    check_digests,
    digest_path,
    file_digest,
    read_digests,
    write_digests,
)


def pair(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "net.bin", folder / "net, of 2.json"]
    for number, file in enumerate(files):
        file.write_bytes(bytes([number]) * 40)
    write_digests(files[0], {file.name: file_digest(file) for file in files})
    return files


def test_files_as_they_were_written_pass(tmp_path):
    files = pair(tmp_path)
    check_digests(files)
    assert list(read_digests(files[0])) == [file.name for file in files]
    assert {file.name for file in tmp_path.iterdir()} == {
        "net.bin",
        "net, of 2.json",
        "net.bin.sha256",
    }


@pytest.mark.skipif(which("sha256sum") is None, reason="no sha256sum")
def test_the_files_are_those_of_sha256sum(tmp_path):
    files = pair(tmp_path)
    check = ["sha256sum", "--check", "--strict", digest_path(files[0]).name]
    assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode == 0


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2), st.integers(0, 10**6), st.integers(0, 7))
def test_no_flipped_bit_and_no_cut_passes(tmp_path_factory, number, place, bit):
    files = pair(tmp_path_factory.mktemp("pair"))
    victim = [*files, digest_path(files[0])][number]
    content = bytearray(victim.read_bytes())
    place %= len(content)
    victim.write_bytes(content[:place])
    with pytest.raises(DigestError):
        check_digests(files)
    content[place] ^= 1 << bit
    victim.write_bytes(content)
    with pytest.raises(DigestError):
        check_digests(files)


def test_files_of_two_artifacts_are_not_one(tmp_path):
    one, other = pair(tmp_path / "one"), pair(tmp_path / "other")
    other[1].write_bytes(b"other")
    write_digests(other[0], {file.name: file_digest(file) for file in other})
    other[1].replace(one[1])
    with pytest.raises(DigestError, match=r"net, of 2\.json is not as it was written"):
        check_digests(one)


def test_a_file_that_is_missing_or_not_named_is_told(tmp_path):
    files = pair(tmp_path)
    with pytest.raises(DigestError, match=r"does not name more\.json"):
        check_digests([*files, tmp_path / "more.json"])
    files[1].unlink()
    with pytest.raises(DigestError, match=r"net, of 2\.json is missing"):
        check_digests(files[:1])


def test_what_has_no_digest_passes(tmp_path):
    path = tmp_path / "old.bin"
    path.write_bytes(b"old")
    check_digests([path])
    assert read_digests(path) is None


def test_checks_can_be_switched_off_and_on(tmp_path):
    files = pair(tmp_path)
    files[0].write_bytes(b"damaged")
    check_at_load(False)
    try:
        check_digests(files)
    finally:
        check_at_load(True)
    with pytest.raises(DigestError):
        check_digests(files)
