#!/usr/bin/env bash
# Runs commands on an emulated CPU with AVX-512, for machines that have none.
#
#   tests/emulated/avx512.sh BINARY 'SHELL COMMANDS'
#   tests/emulated/avx512.sh target/release/gouda 'prog verify --threads 1 --quiet'
#
# Bochs, as a Skylake-X, boots a small Linux from a CD image: Debian's kernel, busybox, BINARY as
# /bin/prog and the libraries it is linked to. Prints what the guest prints on its serial console,
# and exits with the exit code of the commands; with 70 where the guest said nothing, with 71 where it
# did not come to their end. Booting takes a minute of one processor, `gouda verify` half of one more.
#
# Needs from Debian or Ubuntu, as any user once they are there:
#   apt-get install --no-install-recommends bochs bochs-term bochsbios vgabios busybox-static \
#       grub-common grub-pc-bin xorriso cpio binutils python3
# and a kernel, which apt-get downloads and nothing installs, unless KERNEL names one.
#
# From the environment:
#   KERNEL  a vmlinuz                                              [default: of linux-image-cloud-amd64]
#   MODEL   another CPU; `bochs -help cpu` lists them              [default: corei7_skylake_x]
#   MEGS    memory of the guest, in megabytes                      [default: 512]
#   IPS     instructions that the guest's clock counts as a second [default: 100000000]
#   LIMIT   seconds after which Bochs is stopped                   [default: 1500]
set -euo pipefail

if [ $# -ne 2 ]; then
  echo "usage: $0 BINARY 'SHELL COMMANDS'" >&2
  exit 64
fi
binary=$(realpath "$1")
commands=$2
kernel=${KERNEL:+$(realpath "$KERNEL")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

if [ -z "$kernel" ]; then
  package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p' | head -n 1)
  apt-get download "${package:?apt knows no linux-image-cloud-amd64}" >&2
  dpkg-deb --fsys-tarfile linux-image-*.deb | tar -x --wildcards './boot/vmlinuz-*'
  kernel=$(echo boot/vmlinuz-*)
fi

# The guest's first and only file system.
mkdir -p root/{bin,dev,proc,sys,tmp,lib64} iso/boot/grub
cp "$(command -v busybox)" root/bin/busybox
strip -o root/bin/prog "$binary"
ldd "$binary" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "root$(dirname "$library")"
  cp -L "$library" "root$library"
done
cat > root/init <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t sysfs sys /sys
echo "guest: flags $(grep -m1 '^flags' /proc/cpuinfo | tr ' ' '\n' | grep -E '^(avx|fma|xsave)' | tr '\n' ' ')"
cd /tmp
sh /commands
echo "guest: exit code $?"
sleep 1
poweroff -f
INIT
chmod +x root/init
printf '%s\n' "$commands" > root/commands
(cd root && find . | cpio -o -H newc --quiet) > iso/boot/initrd

# Bochs gives XSAVES a size that Linux refuses, and Linux then does without AVX; so without XSAVEC
# (321) and XSAVES (323).
cp "$kernel" iso/boot/vmlinuz
cat > iso/boot/grub/grub.cfg <<'GRUB'
set timeout=0
linux /boot/vmlinuz console=ttyS0 quiet clearcpuid=321,323 nokaslr mitigations=off no_timer_check panic=-1
initrd /boot/initrd
boot
GRUB
grub-mkrescue -o boot.iso iso > grub.log 2>&1 || { cat grub.log >&2; exit 1; }

cat > bochsrc <<BOCHS
config_interface: textconfig
display_library: term
plugin_ctrl: unmapped=true, biosdev=true, speaker=false, extfpuirq=true, parallel=false, serial=true, gameport=false, iodebug=false
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=${MODEL:-corei7_skylake_x}, count=1, ips=${IPS:-100000000}, reset_on_triple_fault=0, ignore_bad_msrs=1
megs: ${MEGS:-512}
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=boot.iso, status=inserted
boot: cdrom
clock: sync=none, time0=utc
com1: enabled=1, mode=file, dev=serial.txt
log: bochs.log
panic: action=fatal
error: action=report
BOCHS
# Debian's Bochs has its debugger built in, which waits for "continue".
echo c > go
# The terminal display wants a terminal: Python gives it one. Powering off ends Bochs with a code of
# its own.
TERM=xterm timeout "${LIMIT:-1500}" \
  python3 -c 'import pty; pty.spawn(["bochs", "-q", "-f", "bochsrc", "-rc", "go"])' \
  < /dev/null > screen.txt 2>&1 || true

if [ ! -s serial.txt ]; then
  tail -n 5 bochs.log screen.txt >&2 || true
  exit 70
fi
tr -d '\r' < serial.txt | tee console.txt
code=$(sed -n 's/^.*guest: exit code \([0-9]*\)$/\1/p' console.txt | tail -n 1)
exit "${code:-71}"
