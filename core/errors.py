"""Every deliberate error of Relamp, and the one table from errors to the exit code and the sentence a farm sees.

The codes are those of the table in `docs/reference.md`. `outcome` is asked by the command line, the worker, the farm's
warm process and the reports; `error_of` is the way back, for what another process answered with a code and a sentence.
Standard library only: this module runs inside other people's Pythons.
"""

from __future__ import annotations

import errno
import signal


def readable(text: str) -> str:
    """Text of files as a person can read it: bytes that are not UTF-8 are taken for Latin-1."""
    return "".join(chr(ord(c) - 0xDC00) if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text)


def one_line(text: object) -> str:
    """A text of any number of lines as one, for logs and farms that read line by line."""
    return " ".join(line.strip() for line in str(text).splitlines() if line.strip())


class RelampError(Exception):
    """A failure that is explained in one sentence an artist can act on."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(readable(message))


class UsageError(RelampError):
    """The command, the job or a parameter is wrong; retrying changes nothing."""

    exit_code = 2


class ParameterError(UsageError):
    """A parameter has a value outside its declaration."""


class FramesFailedError(RelampError):
    """Some frames failed or were skipped while others were written."""

    exit_code = 3


class InputError(RelampError):
    """An input is missing, unreadable or not what it has to be."""

    exit_code = 4


class DeviceError(RelampError):
    """No usable device, or not enough memory on it."""

    exit_code = 5


class OutputError(RelampError):
    """The output cannot be written."""

    exit_code = 6


class StoppedError(RelampError):
    """SIGINT or SIGTERM arrived; finished frames are kept."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


_BY_CODE: dict[int, type[RelampError]] = {
    kind.exit_code: kind for kind in (UsageError, FramesFailedError, InputError, DeviceError, OutputError)
}
_BY_ERRNO: dict[int, type[RelampError]] = {
    errno.ENOSPC: OutputError,
    errno.EDQUOT: OutputError,
    errno.EROFS: OutputError,
    errno.EFBIG: OutputError,
    errno.ENOMEM: DeviceError,
    errno.ENAMETOOLONG: UsageError,
    errno.ELOOP: UsageError,
    errno.ENOENT: InputError,
    errno.EACCES: InputError,
    errno.EPERM: InputError,
    errno.EISDIR: InputError,
    errno.ENOTDIR: InputError,
    errno.EIO: InputError,
}
# torch, CUDA's libraries, ONNX Runtime and OpenCV say it in a RuntimeError or an error of their own; torch's class cannot be
# named here, since this module loads nothing.
_NO_MEMORY = (
    "out of memory",
    "allocate memory",
    "not enough memory",
    "insufficient memory",
    "bad_alloc",
    "alloc_failed",
)
_DEVICE_MEMORY = ("cuda", "cublas", "cudnn", "mps", "hip")


def outcome(error: BaseException) -> tuple[int, str]:
    """The exit code of `error`, whatever it is, and the one sentence that is told of it.

    A `RelampError` tells its own. Memory that ran out, in whatever words a library says so, is 5; files and disks that
    refuse are 2, 4 or 6; Ctrl-C is 130; anything else is a mistake of ours, 1.

    >>> outcome(InputError("plate.1001.exr is damaged; render it again"))
    (4, 'plate.1001.exr is damaged; render it again')
    >>> outcome(ZeroDivisionError("division by zero"))
    (1, 'unexpected ZeroDivisionError: division by zero; -v shows where, please report it')
    """
    if isinstance(error, RelampError):
        return error.exit_code, str(error)
    if isinstance(error, KeyboardInterrupt):
        return 128 + signal.SIGINT, "stopped"
    if _is_out_of_memory(error):
        return DeviceError.exit_code, _no_memory_sentence(error)
    if isinstance(error, OSError) and error.errno in _BY_ERRNO and (error.filename or error.errno == errno.ENOSPC):
        where = f"{error.filename}: " if error.filename else ""
        return _BY_ERRNO[error.errno].exit_code, f"{where}{error.strerror}; correct the path or make room there"
    first = str(error).strip().partition("\n")[0]
    return 1, f"unexpected {type(error).__name__}: {first}; -v shows where, please report it"


def error_of(code: int, sentence: str) -> RelampError:
    """The error that another process told as an exit code and a sentence: `outcome` of it gives both back.

    >>> error_of(5, "the device has not enough memory")
    DeviceError('the device has not enough memory')
    """
    if code > 128:
        return StoppedError(sentence, code - 128)
    return _BY_CODE.get(code, RelampError)(sentence)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    # Only what libraries raise of their own: an OSError or a ValueError that quotes such words is about something else.
    library = isinstance(error, RuntimeError) or type(error).__module__.partition(".")[0] in ("cv2", "onnxruntime")
    return library and any(words in str(error).lower() for words in _NO_MEMORY)


def _no_memory_sentence(error: BaseException) -> str:
    told = f"{type(error).__module__} {error}".lower()
    if type(error).__name__ == "OutOfMemoryError" or any(name in told for name in _DEVICE_MEMORY):
        return "the device has not enough memory; try a smaller --working-size, fewer --threads or --device cpu"
    return "not enough memory for a frame of this size; close other programs, or use --threads 1"
