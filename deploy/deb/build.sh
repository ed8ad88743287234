#!/bin/sh
# Builds dist/llmtap_VERSION_ARCH.deb with nothing but dpkg-deb.
#   deploy/deb/build.sh [BINARY] [FOLDER]
# BINARY is bin/llmtap of `make build` unless named; its own word says the
# version. DEB_VERSION overrides it.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
binary=${1:-$top/bin/llmtap}
out=${2:-$top/dist}
version=${DEB_VERSION:-$("$binary" version | cut -d' ' -f2)}
arch=$("$binary" version | sed 's|.*/||')

root=$(mktemp -d)
chmod 0755 "$root"
trap 'rm -rf "$root"' EXIT

install -D -m 0755 "$binary" "$root/usr/bin/llmtap"
install -D -m 0644 "$top/deploy/systemd/llmtap.service" "$root/lib/systemd/system/llmtap.service"
install -D -m 0640 "$here/llmtap.yaml" "$root/etc/llmtap/llmtap.yaml"

install -d "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" \
	"$root/usr/share/fish/vendor_completions.d" "$root/usr/share/doc/llmtap/examples"
"$binary" completion bash > "$root/usr/share/bash-completion/completions/llmtap"
"$binary" completion zsh > "$root/usr/share/zsh/vendor-completions/_llmtap"
"$binary" completion fish > "$root/usr/share/fish/vendor_completions.d/llmtap.fish"

doc=$root/usr/share/doc/llmtap
install -m 0644 "$top/README.md" "$top"/docs/*.md "$doc/"
install -m 0644 "$top"/deploy/jupyterhub/*.py "$top"/deploy/systemd/*.conf "$doc/examples/"
for tree in runbooks decisions; do
	[ ! -d "$top/docs/$tree" ] || { install -d "$doc/$tree" && install -m 0644 "$top/docs/$tree"/*.md "$doc/$tree/"; }
done
install -d "$root/usr/share/llmtap/dashboards" "$root/usr/share/llmtap/rules"
install -m 0644 "$top"/dashboards/json/*.json "$root/usr/share/llmtap/dashboards/"
install -m 0644 "$top"/dashboards/rules/*.yaml "$root/usr/share/llmtap/rules/"

install -d "$root/DEBIAN"
for script in preinst postinst prerm postrm; do
	install -m 0755 "$here/scripts/$script" "$root/DEBIAN/$script"
done
echo /etc/llmtap/llmtap.yaml > "$root/DEBIAN/conffiles"
cat > "$root/DEBIAN/control" <<CONTROL
Package: llmtap
Version: $version
Architecture: $arch
Maintainer: llmtap <llmtap@localhost>
Installed-Size: $(du -ks --exclude=DEBIAN "$root" | cut -f1)
Depends: passwd, ca-certificates
Section: net
Priority: optional
Description: observability proxy for LLM calls
 A proxy that relays every call to a model service unchanged and tells what
 happened to it: who called, stream or plain, what came back, when each part
 arrived, who ended it, and, when it failed, why and what to do.
CONTROL

mkdir -p "$out"
# The same input makes the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zgzip --build "$root" "$out/llmtap_${version}_${arch}.deb"
