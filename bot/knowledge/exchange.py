"""Two folders that change places in one step, so that there is no instant without one.

The standard library has no call for it; Linux's is called through the C library.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_HERE = -100  # AT_FDCWD: names that are no absolute paths are taken from the working directory
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)


def exchange(one: Path, other: Path) -> bool:
    """Whether the two, which are there, have changed places; False where the system or the file
    system can't do that, or refuses: then nothing has changed."""
    try:
        call = ctypes.CDLL(None).renameat2
    except (OSError, TypeError, AttributeError):  # macOS, Windows, an old C library
        return False
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return bool(call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)
