#!/bin/sh
# To be read by others: how generation $1 comes to be, whole or not at all.

# Begin generation $1: links to its build $2, proxy $3, virtual environment $4, model $5 and virtual
# environment of wyoming-openai $6, which are paths below services/ or empty.
begin_generation() {
  rm -rf "generations/$1.new"
  mkdir -p "generations/$1.new/units"
  add_part "$1" build "$2"
  add_part "$1" proxy "$3"
  add_part "$1" venv "$4"
  add_part "$1" model "$5"
  add_part "$1" wyoming "$6"
}
add_part() { [ -z "$3" ] || ln -s "../../$3" "generations/$1.new/$2"; }

# Have what was begun in the place of what there was.
finish_generation() {
  sync -f "generations/$1.new"
  rm -rf "generations/$1"
  mv -T "generations/$1.new" "generations/$1"
}
