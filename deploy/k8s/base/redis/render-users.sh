#!/bin/sh
# Print the ACL file that a template of Redis users stands for; passwords come from the environment.
# Usage: render-users.sh users.acl.template > users.acl
# Needs sh and awk alone, as the images of Redis have them. Fails where a password is missing, short or cannot stand in
# an ACL file; no password is ever an argument of a command.
set -eu
awk '
  function refuse(sentence) { print "render-users: " sentence > "/dev/stderr"; failed = 1; exit 1 }
  function user_ends() { if (line != "") print line; line = "" }
  { sub(/^[ \t]*#.*/, ""); indented = $0 ~ /^[ \t]/; gsub(/^[ \t]+|[ \t]+$/, "") }
  $0 == "" { next }
  {
    while (match($0, /\$\{[A-Z_]+\}/)) {
      name = substr($0, RSTART + 2, RLENGTH - 3)
      if (!(name in ENVIRON)) refuse(name " is not set")
      if (ENVIRON[name] !~ /^[A-Za-z0-9._~-]+$/ || length(ENVIRON[name]) < 16)
        refuse(name " must be 16 or more of A-Z a-z 0-9 . _ ~ -")
      $0 = substr($0, 1, RSTART - 1) ENVIRON[name] substr($0, RSTART + RLENGTH)
    }
    if (!indented) { user_ends(); line = $0 } else line = line " " $0
  }
  END { if (!failed) user_ends() }
' "$1"
