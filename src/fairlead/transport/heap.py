"""Memory that is freed and asked for again with every message, kept in the process."""


def keep_freed_memory() -> None:
    """Let the C library keep up to 4 MiB of free memory, a window's worth, at the end of its heap.

    glibc gives all above 128 KiB back to the system at once, and a message of 64 KiB costs sixteen page
    faults where its memory is asked for again. The bound moves to twice the size of the largest block that
    was ever mapped and freed (mallopt(3), M_MMAP_THRESHOLD), and this is such a block; `bytes` of zeros are
    never touched, so it takes no memory. Without effect under other C libraries.
    """
    bytes(2 * 1024 * 1024)
