"""Where files lie: on this machine or behind an fsspec address."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from handgrad.data.streams import reading
from handgrad.errors import DataError, HandgradError, MissingPackageError
from handgrad.quoting import named, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

PATTERN = set("*?[")


@dataclass(frozen=True)
class Location:
    """A file, by its path or by its address such as ``s3://bucket/rows.parquet``."""

    address: str

    def __str__(self) -> str:
        return named(self.address)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the whole path: another process may work in another folder."""
        return Location, (str(Path(self.address).absolute()) if self.is_local else self.address,)

    @property
    def is_local(self) -> bool:
        """Whether it lies on this machine."""
        return "://" not in self.address

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rstrip("/").rpartition("/")[2]

    def open(self) -> IO[bytes]:
        """Open it to read bytes."""
        with self.errors():
            if self.is_local:
                file = Path(self.address)
                if file.exists() and not file.is_file():
                    raise DataError(f"{self} is not a regular file; expected one.")
                return file.open("rb")
            system, path = file_system(self.address)
            return cast("IO[bytes]", system.open(path, "rb"))

    def stamp(self) -> str:
        """Return what changes when the file changes: size and time, or what its system knows."""
        with self.errors():
            if self.is_local:
                status = Path(self.address).stat()
                return f"{status.st_size} {status.st_mtime_ns}"
            system, path = file_system(self.address)
            system.invalidate_cache()
            return str(system.ukey(path))

    @property
    def size(self) -> int:
        """Bytes."""
        with self.errors():
            if self.is_local:
                return Path(self.address).stat().st_size
            system, path = file_system(self.address)
            return int(system.size(path))

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn errors of a file system into one sentence."""
        if self.is_local:
            with reading(Path(self.address)):
                yield
            return
        try:
            yield
        except HandgradError:
            raise
        except FileNotFoundError as error:
            raise DataError(f"{self} does not exist; expected the address of a file.") from error
        except Exception as error:  # each file system has errors of its own
            raise DataError(f"{self} cannot be read: {quoted(str(error))}.") from error


@dataclass(frozen=True)
class Stamped:
    """A file as it was when it was first seen."""

    location: Location
    stamp: str

    @classmethod
    def now(cls, location: Location) -> Stamped:
        """Take the stamp of a file."""
        return cls(location, location.stamp())

    def check(self) -> None:
        """Raise a DataError if the file has changed since."""
        if self.location.stamp() != self.stamp:
            raise DataError(
                f"{self.location} changed while it was in use; expected a file that stays as it "
                "is: open it again."
            )

    def check_again(self) -> None:
        """Check a file of this machine, which costs little."""
        if self.location.is_local:
            self.check()


def file_system(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path of the address in it."""
    try:
        import fsspec
    except ImportError as error:
        raise MissingPackageError(
            f"{named(address)} can only be read with the package fsspec, which is not installed; "
            "install it: pip install 'handgrad[blocks]'."
        ) from error
    try:
        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise MissingPackageError(f"{named(address)} cannot be read: {error}.") from error
    except ValueError as error:
        raise DataError(f"{named(address)} cannot be read: {error}.") from error
    return system, path


def local_path(source: str | os.PathLike[str]) -> str:
    """Return an address; ``file://`` addresses become paths.

    Examples
    --------
    >>> local_path("file:///tmp/a.parquet"), local_path("s3://b/a.parquet")
    ('/tmp/a.parquet', 's3://b/a.parquet')
    """
    address = os.fspath(source)
    return address.removeprefix("file://") if address.startswith("file://") else address


def is_folder(address: str) -> bool:
    """Tell whether an address is that of a folder."""
    if Location(address).is_local:
        return Path(address).is_dir()
    with Location(address).errors():
        system, path = file_system(address)
        return bool(system.isdir(path))


def files_of(source: str) -> list[tuple[str, Location]]:
    """List the files of a folder, a pattern or a single address, sorted by name.

    Each has its name relative to the folder. Names that begin with ``.`` or ``_`` are ignored, as
    in the results of Spark.
    """
    location = Location(source)
    with location.errors():
        if location.is_local:
            found, base = _local_files(Path(source))
        else:
            found, base = _remote_files(source)
    names = [(os.path.relpath(path, base).replace(os.sep, "/"), path) for path in found]
    return [
        (name, Location(path))
        for name, path in sorted(names)
        if not any(part.startswith((".", "_")) for part in name.split("/") if part != "..")
    ]


def _local_files(path: Path) -> tuple[list[str], str]:
    if path.is_dir():
        found = [str(file) for file in path.rglob("*") if file.is_file()]
        return found, str(path)
    if path.exists() or not PATTERN & set(str(path)):
        return [str(path)], str(path.parent)
    found = [file for file in glob(str(path), recursive=True) if Path(file).is_file()]  # noqa: PTH207 - any pattern
    if not found:
        raise DataError(f"{named(path)} matches no file; expected a pattern of names that exist.")
    return found, _base(str(path))


def _remote_files(address: str) -> tuple[list[str], str]:
    system, path = file_system(address)
    protocol = address.partition("://")[0]
    if PATTERN & set(path) and not system.exists(path):
        found, base = system.glob(path), _base(path)
        if not found:
            raise DataError(f"{named(address)} matches no file; expected names that exist.")
    elif system.isdir(path):
        found, base = system.find(path), path
    else:
        found, base = [path], path.rpartition("/")[0]
    return [_with_protocol(protocol, file) for file in found], _with_protocol(protocol, base)


def _with_protocol(protocol: str, path: str) -> str:
    return path if "://" in path else f"{protocol}://{path}"


def _base(pattern: str) -> str:
    """Return the folder before the first sign of a pattern."""
    first = min(pattern.index(sign) for sign in PATTERN if sign in pattern)
    return pattern[:first].rpartition("/")[0] or "."
