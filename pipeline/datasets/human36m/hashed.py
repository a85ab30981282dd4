"""A file whose content hash is known once it has been read, without a reading of its own."""

import hashlib
import os
from pathlib import Path
from types import TracebackType


class HashedFile:
    """A file for the video library, which reads it piece by piece, nearly in the order in which they stand. Use it in a `with` block.

    What is read before its turn, as the table of frames that many videos have at their end, is read again when its turn comes.
    """

    def __init__(self, path: Path):
        self.name = str(path)  # by whose ending the library guesses what the file is
        self._file = path.open("rb", buffering=0)
        self._hash = hashlib.sha256()
        self._hashed = 0  # bytes from the beginning

    def read(self, size: int) -> bytes:
        """At most `size` bytes from where the file stands."""
        start = self._file.tell()
        content = self._file.read(size)
        end = start + len(content)
        if start <= self._hashed < end:
            self._hash.update(memoryview(content)[self._hashed - start :])
            self._hashed = end
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, and say where it is from the beginning; the library asks for the last byte of an empty file, too."""
        place = offset + (0, self._file.tell(), os.fstat(self._file.fileno()).st_size)[whence]
        return self._file.seek(max(0, place))

    def tell(self) -> int:
        """Where the file stands."""
        return self._file.tell()

    def sha256(self) -> str:
        """SHA-256 of the whole content, in hexadecimal; reads what has not been read in its turn."""
        self.seek(self._hashed)
        while self.read(2**20):
            pass
        return self._hash.hexdigest()

    def __enter__(self) -> "HashedFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._file.close()
