#!/bin/sh
# Print what core/models.py reads of the files $2... in the directory $1, for each that is there: its
# name, its SHA-256, `yes` where that was read from the stamp beside it or else `no`, and the SHA-256
# that the stamp says, if any.
#
# A stamp, FILE.sha256, holds the sum that was taken of a file and its size, mtime and inode: as long as
# they are the same, the sum is not taken again. A model has hundreds of megabytes.
cd "$1" 2> /dev/null || exit 0
shift

for file; do
  [ -f "$file" ] || continue
  recorded=$(cut -d' ' -f1 "$file.sha256" 2> /dev/null)
  if [ "$(cut -d' ' -f2-4 "$file.sha256" 2> /dev/null)" = "$(stat -c '%s %Y %i' "$file")" ]; then
    echo "$file $recorded yes $recorded"
  else
    echo "$file $(sha256sum < "$file" | cut -d' ' -f1) no $recorded"
  fi
done
