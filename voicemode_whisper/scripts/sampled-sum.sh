#!/bin/sh
# To be read by others: a sum of a few blocks of a file, which takes no longer for a large one.

# Print the SHA-256 of the first and the last 64 KiB of $1 and of 256 blocks of 4 KiB between them, spread
# evenly; nothing where it cannot be taken. The blocks are asked for before they are read, so that a disk
# may fetch them in its own order.
sampled_sum() {
  PATH="/usr/bin:$PATH" python3 -I -S -c '
import hashlib, os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
size = os.fstat(file).st_size
between = [(size * n // 257 // 4096 * 4096, 4096) for n in range(1, 257)]
blocks = [(0, 65536), *between, (max(size - 65536, 0), 65536)]
os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
for start, length in blocks:
    os.posix_fadvise(file, start, length, os.POSIX_FADV_WILLNEED)
total = hashlib.sha256()
for start, length in blocks:
    total.update(os.pread(file, length, start))
print(total.hexdigest())
' "$1" 2> /dev/null || true
}
