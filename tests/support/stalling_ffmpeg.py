"""An ffmpeg that hangs the first time it is to encode, and is the real one after that."""

from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe

_SCRIPT = """#!/bin/sh
case "$*" in *libx264*)
    if [ ! -e "{pid}" ]; then
        echo $$ > "{pid}.new" && mv "{pid}.new" "{pid}"
        exec sleep 100
    fi ;;
esac
exec "{real}" "$@"
"""


class StallingFfmpeg:
    """`settings` make a worker use it."""

    def __init__(self, folder: Path) -> None:
        self._pid = folder / "ffmpeg.pid"
        script = folder / "ffmpeg"
        script.write_text(_SCRIPT.format(pid=self._pid, real=get_ffmpeg_exe()))
        script.chmod(0o755)
        self.settings = {"IMAGEIO_FFMPEG_EXE": str(script)}

    def hangs(self) -> bool:
        return self._pid.exists()

    def is_gone(self) -> bool:
        return not Path(f"/proc/{self._pid.read_text().strip()}").exists()
