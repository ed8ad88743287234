#!/bin/sh
# The life of the package on a copy of this machine's root: nothing of it
# reaches the machine. Usage, as root in a mount namespace of its own:
#   unshare --mount deb.sh OLD.deb NEW.deb
set -eu

old=$1 new=$2
mount -t tmpfs -o size=512m llmtap /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work llmtap /mnt/root
mount -t proc proc /mnt/root/proc
mount --bind /dev /mnt/root/dev
mount -t tmpfs run /mnt/root/run
cp "$old" /mnt/root/old.deb
cp "$new" /mnt/root/new.deb

in_root() { chroot /mnt/root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
fail() { echo "not ok: $*" >&2; exit 1; }
is() { [ "$2" = "$3" ] || fail "$1: got $2, want $3"; }
stat_of() { in_root stat -c "$2" "$1"; }

in_root dpkg --install /old.deb
is "state directory" "$(stat_of /var/lib/llmtap '%a %U %G')" "700 llmtap llmtap"
is "configuration" "$(stat_of /etc/llmtap/llmtap.yaml '%a %U %G')" "640 root llmtap"
is "shell of the user" "$(in_root getent passwd llmtap | cut -d: -f6,7)" "/var/lib/llmtap:/usr/sbin/nologin"
is "unit" "$(stat_of /lib/systemd/system/llmtap.service '%a %U')" "644 root"
for file in bash-completion/completions/llmtap zsh/vendor-completions/_llmtap fish/vendor_completions.d/llmtap.fish \
	doc/llmtap/deploy.md doc/llmtap/examples/llmtap.py dashboards rules; do
	case $file in dashboards | rules) file=llmtap/$file ;; esac
	[ -e "/mnt/root/usr/share/$file" ] || fail "no /usr/share/$file"
done
echo "ok: installs where systemd is absent"

# As the unit starts it, told apart from this machine's agents by its ports.
as_service() {
	chroot --userspec llmtap:llmtap /mnt/root env -i PATH=/usr/bin:/bin STATE_DIRECTORY=/var/lib/llmtap "$@"
}
# Not by the function: $! would be a shell's.
chroot --userspec llmtap:llmtap /mnt/root env -i PATH=/usr/bin:/bin STATE_DIRECTORY=/var/lib/llmtap \
	llmtap run --config /etc/llmtap/llmtap.yaml --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 >/mnt/agent.log 2>&1 &
agent=$!
trap 'kill $agent 2>/dev/null || true' EXIT
tries=0
until as_service llmtap check --ready >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] && kill -0 $agent || { cat /mnt/agent.log >&2; fail "the agent does not start"; }
	sleep 0.1
done
mkdir /mnt/root/run/llmtap
chown "$(in_root id -u llmtap)" /mnt/root/run/llmtap
post=$(sed -n 's/^ExecStartPost=//p' /mnt/root/lib/systemd/system/llmtap.service)
# shellcheck disable=SC2086 # the words of the unit's command
as_service $post
is "bundle for everybody" "$(stat_of /run/llmtap/bundle.crt '%a')" 644
[ ! -e /mnt/root/run/llmtap/ca.key ] || fail "the key left the state directory"
kill -TERM $agent
wait $agent || { cat /mnt/agent.log >&2; fail "the agent ends with $?"; }
[ -s /mnt/root/var/lib/llmtap/calls.db ] || fail "no store"
echo "ok: starts as its user, is ready, ends"

echo "# ours" >> /mnt/root/etc/llmtap/llmtap.yaml
key=$(in_root sha256sum /var/lib/llmtap/ca/ca.key)
# A host with systemd from here on; it writes down what it is asked.
mkdir -p /mnt/root/run/systemd/system
printf '#!/bin/sh\necho "$*" >> /systemctl.log\n' > /mnt/root/usr/bin/systemctl.new
chmod 0755 /mnt/root/usr/bin/systemctl.new
mv /mnt/root/usr/bin/systemctl.new /mnt/root/usr/bin/systemctl
asked() { cat /mnt/root/systemctl.log; : > /mnt/root/systemctl.log; }

in_root dpkg --install /new.deb
is "the version after the upgrade" "$(in_root dpkg-query -W -f '${Version}' llmtap)" "$(dpkg-deb -f "$new" Version)"
is "the last line of the configuration" "$(tail -n 1 /mnt/root/etc/llmtap/llmtap.yaml)" "# ours"
is "the configuration after the upgrade" "$(stat_of /etc/llmtap/llmtap.yaml '%a %U %G')" "640 root llmtap"
is "the authority's key" "$(in_root sha256sum /var/lib/llmtap/ca/ca.key)" "$key"
asked | grep -q "^try-restart llmtap.service$" || fail "an upgrade does not restart the agent"
echo "ok: upgrades, keeps configuration and state, restarts what runs"

in_root dpkg --remove llmtap
asked | grep -q "^disable --now llmtap.service$" || fail "a removal leaves the agent running"
[ ! -e /mnt/root/usr/bin/llmtap ] || fail "the command is still there"
[ -s /mnt/root/etc/llmtap/llmtap.yaml ] && [ -s /mnt/root/var/lib/llmtap/ca/ca.key ] || fail "a removal takes configuration or state"
echo "ok: is removed, configuration and state stay"

in_root dpkg --install /new.deb
asked | grep -q "^enable --now llmtap.service$" || fail "installed again, it does not run again"
in_root dpkg --purge llmtap
for left in /etc/llmtap /var/lib/llmtap /run/llmtap /lib/systemd/system/llmtap.service; do
	[ ! -e "/mnt/root$left" ] || fail "$left is left after a purge"
done
in_root getent passwd llmtap && fail "the user is left after a purge"
echo "ok: is purged without a trace"
