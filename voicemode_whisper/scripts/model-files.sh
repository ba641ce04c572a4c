#!/bin/sh
# Print what core/models.py reads of the files $2... in the directory $1, for each that is there: its
# name, its SHA-256, `yes` where that was read from the stamp beside it or else `no`, and the SHA-256
# that the stamp says, if any.
#
# A stamp, FILE.sha256, holds the sum that was taken of a file, its size, mtime and inode, and a sum of a
# sample of its blocks: as long as they are the same, the sum is not taken again. A model has hundreds of
# megabytes; a disk or a copy that damages it may change none of the three.
# shellcheck source=voicemode_whisper/scripts/sampled-sum.sh
. ./sampled-sum.sh
cd "$1" 2> /dev/null || exit 0
shift

# Whether what the stamp says, size, mtime, inode and sample, is true of the file $1.
is_stamped() {
  [ "$2 $3 $4" = "$(stat -c '%s %Y %i' "$1")" ] && [ -n "$5" ] && [ "$5" = "$(sampled_sum "$1")" ]
}

for file; do
  [ -f "$file" ] || continue
  recorded='' size='' mtime='' inode='' sample=''
  # shellcheck disable=SC2034
  [ ! -e "$file.sha256" ] || read -r recorded size mtime inode sample origin < "$file.sha256" || true
  if is_stamped "$file" "$size" "$mtime" "$inode" "$sample"; then
    echo "$file $recorded yes $recorded"
  else
    echo "$file $(sha256sum < "$file" | cut -d' ' -f1) no $recorded"
  fi
done
