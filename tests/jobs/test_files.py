"""jobs/files.py on a folder."""

import resource
from pathlib import Path

import pytest

from jobs.errors import FileNotFound
from jobs.files import FileStore
from jobs.model import FileRef
from jobs.settings import Settings

DATA = b"\x89PNG not really"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def files(settings: Settings) -> FileStore:
    return FileStore.open(settings)


async def test_a_file_comes_back_as_it_was(files: FileStore) -> None:
    ref = await files.put("job-1", "page 1.png", DATA, "image/png")

    assert await files.get(ref) == DATA


async def test_the_record_keeps_name_type_and_size(files: FileStore) -> None:
    ref = await files.put("job-1", "cover.png", DATA, "image/png")

    assert (ref.name, ref.content_type, ref.size) == ("cover.png", "image/png", len(DATA))
    assert ref.key.startswith("job-1/")
    assert ref.key.endswith("/cover.png")


async def test_the_same_file_again_changes_nothing(files: FileStore, folder: Path) -> None:
    first = await files.put("job-1", "cover.png", DATA, "image/png")

    second = await files.put("job-1", "cover.png", DATA, "image/png")

    assert second == first
    assert _files_below(folder) == 1


def _files_below(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


async def test_other_content_under_the_same_name_is_another_file(files: FileStore) -> None:
    first = await files.put("job-1", "cover.png", b"first", "image/png")
    second = await files.put("job-1", "cover.png", b"second", "image/png")

    assert [await files.get(ref) for ref in (first, second)] == [b"first", b"second"]


async def test_jobs_do_not_share_files(files: FileStore) -> None:
    first = await files.put("job-1", "cover.png", DATA, "image/png")
    second = await files.put("job-2", "cover.png", DATA, "image/png")

    assert first.key != second.key


async def test_an_empty_file_is_a_file(files: FileStore) -> None:
    ref = await files.put("job-1", "empty.txt", b"", "text/plain")

    assert (ref.size, await files.get(ref)) == (0, b"")


async def test_a_file_that_is_gone_is_not_found(files: FileStore) -> None:
    ref = FileRef(name="cover.png", key="job-1/0123456789abcdef/cover.png", content_type="image/png", size=1)

    with pytest.raises(FileNotFound, match=r"Job job-1 has no file 'cover.png'"):
        await files.get(ref)


async def test_a_folder_has_no_signed_urls(files: FileStore) -> None:
    ref = await files.put("job-1", "cover.png", DATA, "image/png")

    assert await files.signed_url(ref) is None


async def test_another_process_reads_what_one_wrote(files: FileStore, settings: Settings) -> None:
    ref = await files.put("job-1", "cover.png", DATA, "image/png")

    assert await FileStore.open(settings).get(ref) == DATA


async def test_a_folder_with_a_space_in_its_name_will_do(tmp_path: Path) -> None:
    files = FileStore((tmp_path / "my files").as_uri())

    ref = await files.put("job-1", "cover.png", DATA, "image/png")

    assert (tmp_path / "my files" / ref.key).read_bytes() == DATA


async def test_without_a_setting_files_go_below_the_working_folder(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = FileStore.open(settings.model_copy(update={"files_url": ""}))

    ref = await files.put("job-1", "cover.png", DATA, "image/png")

    assert (tmp_path / ".headrace" / "files" / ref.key).read_bytes() == DATA


def test_a_folder_that_can_be_written_has_no_fault(settings: Settings, folder: Path) -> None:
    assert FileStore.fault(settings) is None
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_there_and_takes_no_files_is_found() -> None:
    """Of /proc that holds for root too."""
    fault = FileStore.fault(Settings(files_url="file:///proc"))

    assert fault
    assert fault.startswith("HEADRACE_FILES_URL: files cannot be kept in file:///proc: [Errno ")
    assert "\n" not in fault


def test_a_disk_without_room_is_found(settings: Settings) -> None:
    """As for a process that may write no file of any size."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, old[1]))
    try:
        fault = FileStore.fault(settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)

    assert fault
    assert "File too large" in fault
