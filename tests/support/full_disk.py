"""What a full disk is to a process: files that cannot grow."""

import contextlib
import resource


@contextlib.contextmanager
def full_disk(free_bytes=600):
    """No file can grow beyond so many bytes in the block; "File too large" says the system."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
