# Writes the ACL file: each ">${NAME_PASSWORD}" of the template becomes "#" and the SHA-256 of that
# password. Refuses a password that is missing, short, or not fit for the address in REDIS_URL.
set -eu
umask 077
template=/etc/nightshift/redis/users.acl.template
users=/run/nightshift/users.acl

rules=$(cat "$template")
for name in INGEST REASONER TOOLRUNNER NOTIFIER KEDA OPERATOR; do
  eval "password=\${${name}_PASSWORD:-}"
  case "$password" in
    *[!A-Za-z0-9._~-]*) echo "redis: the password of $name holds more than A-Z a-z 0-9 . _ ~ -" >&2; exit 1 ;;
  esac
  if [ "${#password}" -lt 16 ]; then
    echo "redis: the password of $name has fewer than 16 characters" >&2
    exit 1
  fi
  hash=$(printf %s "$password" | sha256sum | cut -d " " -f 1)
  rules=$(printf '%s\n' "$rules" | sed "s/>\${${name}_PASSWORD}/#$hash/g")
done
if printf '%s\n' "$rules" | grep -v '^ *#' | grep -q '\${'; then
  echo "redis: the template names a password that nobody gives" >&2
  exit 1
fi
# Redis takes no comments in this file.
printf '%s\n' "$rules" | grep -v -e '^ *#' -e '^ *$' > "$users"
