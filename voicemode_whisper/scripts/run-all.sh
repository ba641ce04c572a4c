#!/bin/sh
# Run each of the commands $@ as if it were alone, and print after its output where that ends, and its
# status (see answers.py). No command can know the mark: it is new each time, and in no list of processes.
read -r mark < /proc/sys/kernel/random/uuid || exit 1
echo "### answers $mark"
for command; do
  (eval "$command")
  printf '\n%s %s\n' "$mark" "$?"
done
