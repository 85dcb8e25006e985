"""Temporary folders: removal after programs and after dead sessions."""

import subprocess
import sys
from pathlib import Path

from glotsmith.sandbox.temporary_folders import SessionFolders, remove_folder, remove_stale_folders


def test_only_folders_of_dead_sessions_are_removed(tmp_path: Path):
    own = SessionFolders(tmp_path)
    namespace, pid, started = own.root.name.split("-")[2:5]
    keep = [
        own.root,
        tmp_path / "something-else",
        tmp_path / "glotsmith-sandbox-odd",
        tmp_path / f"glotsmith-sandbox-1-{pid}-0-x",  # of another PID namespace
    ]
    dead = [
        tmp_path / f"glotsmith-sandbox-{namespace}-{pid}-{int(started) + 1}-x",  # the process number was reused
        tmp_path / f"glotsmith-sandbox-{namespace}-99999999-5-x",
    ]
    for folder in [*keep[1:], *dead]:
        (folder / "program").mkdir(parents=True)
    remove_stale_folders(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(keep)
    own.close()
    own.close()
    assert not own.root.exists()


def test_removal_of_stale_folders_follows_no_symlink(tmp_path: Path):
    victim = tmp_path / "victim"
    (victim / "file").parent.mkdir()
    (victim / "file").write_text("here")
    namespace = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    (tmp_path / f"glotsmith-sandbox-{namespace}-99999999-5-x").symlink_to(victim)
    remove_stale_folders(tmp_path)
    assert (victim / "file").read_text() == "here"


def test_remove_folder_with_missing_permissions_and_deep_nesting(tmp_path: Path):
    folder = tmp_path / "made"
    (folder / "closed" / "x").mkdir(parents=True)
    (folder / "closed").chmod(0)
    (tmp_path / "outside").write_text("here")
    (folder / "link").symlink_to(tmp_path)
    script = "import os\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')"
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=True)
    remove_folder(folder)
    remove_folder(folder)
    assert [p.name for p in tmp_path.iterdir()] == ["outside"]
