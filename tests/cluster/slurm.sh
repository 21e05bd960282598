#!/bin/sh
# Carries out the lines for Slurm of docs/cluster.md, on a toy study of two seeds and a Slurm of this machine alone:
#     cargo build --release && sh tests/cluster/slurm.sh
# As root on Debian: it installs slurm-wlm and munge, writes /etc/slurm/slurm.conf and starts their daemons.
set -eu
cd "$(dirname "$0")/../.."
gouda=$PWD/target/release/gouda
[ -x "$gouda" ] || { echo "build $gouda first" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "this needs root: it sets a Slurm up" >&2; exit 1; }
work=$(mktemp -d)

command -v sbatch > /dev/null && command -v munged > /dev/null || {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge > "$work/apt.log"
}
host=$(hostname -s)
mkdir -p /etc/slurm /var/spool/slurmctld /var/spool/slurmd /run/munge
cat > /etc/slurm/slurm.conf << END
ClusterName=one
SlurmctldHost=$host
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ReturnToService=2
NodeName=$host CPUs=$(nproc) RealMemory=4096 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES State=UP
END
[ -e /etc/munge/munge.key ] || { mungekey --create; chown munge: /etc/munge/munge.key; }
chown munge: /run/munge
pgrep -x munged > /dev/null || runuser -u munge -- munged
pgrep -x slurmctld > /dev/null || slurmctld
pgrep -x slurmd > /dev/null || slurmd

# The lines as they stand, but for the program's place, the directory and the size of the study.
lines() {
    awk '/^## Slurm/ { on = 1; next } /^## / { on = 0 } on && /^    / { print substr($0, 5) }' docs/cluster.md
}
sets=$(sed -n '/^const TINY/,/^];/s/^ *"\(.*\)",$/--set \1/p' tests/study.rs | tr '\n' ' ')
sets="$sets --set study.planted_updates=12 --set study.plants=1"
adapted() {
    sed -e "s#/shared/quick#$work/quick#" -e 's/20-29/20-21/' -e "s#gouda study#$gouda study#" -e "s/--preset quick/$sets/"
}
lines | sed '/^jobs=/,$d' | adapted > "$work/study.sh"
lines | sed -n '/^jobs=/,$p' | adapted > "$work/submit.sh"
cat "$work/study.sh" "$work/submit.sh"
cd "$work"
sh -eu submit.sh

# A task is taken off and queued again, as one that is preempted is.
sleep 3
scontrol requeue "$(squeue -h -o %i -t running | head -n 1)" || echo "nothing was running to be queued again"
while [ -n "$(squeue -h)" ]; do
    sleep 2
    if squeue -h -o %r | grep -q DependencyNeverSatisfied; then
        cat slurm-*.out >&2
        exit 1
    fi
done
cat slurm-*.out
[ -s quick/RESULTS.md ] && echo "$work/quick/RESULTS.md is there"
