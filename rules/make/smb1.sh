#!/bin/bash
# Records nmap's scripts for MS17-010 and DoublePulsar against a Samba server that speaks SMB 1: rules/windows. Run as root.
rules=$(realpath "$(dirname "$0")/..")/windows
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
a=swna; v=swnv; d=$(mktemp -d); mkdir -p $d/s $d/l
trap 'kill -- -$S 2>/dev/null; kill $(jobs -p) 2>/dev/null; ip netns del $a; ip netns del $v; rm -rf $d' EXIT
ip netns add $a; ip netns add $v; ip link add eth0 netns $a type veth peer name eth0 netns $v
for n in $a $v; do ip -n $n link set eth0 up; ip -n $n link set lo up; ip netns exec $n ethtool -K eth0 tx off rx off gso off tso off gro off >/dev/null; done
ip -n $a addr add 203.0.113.66/32 dev eth0; ip -n $v addr add 10.42.1.10/32 dev eth0; ip -n $a route add 10.42.1.10 dev eth0; ip -n $v route add 203.0.113.66 dev eth0
printf "[global]\nserver min protocol = NT1\nmap to guest = bad user\nguest account = nobody\nntlm auth = yes\nlanman auth = yes\nlock directory=$d/l\nstate directory=$d/l\ncache directory=$d/l\nprivate dir=$d/l\npid directory=$d/l\nncalrpc dir=$d/l\ninterfaces=10.42.1.10\nbind interfaces only=yes\nlog file=$d/log\n[pub]\npath=$d/s\nguest ok=yes\n" > $d/smb.conf
setsid ip netns exec $v smbd -F --no-process-group -s $d/smb.conf >/dev/null 2>&1 & S=$!
for i in $(seq 40); do ip netns exec $v ss -Hltn 'sport = :445' | grep -q . && break; sleep 0.3; done
ip netns exec $v tcpdump -i eth0 -s 0 -U -Z root --immediate-mode -w $d/nmap.pcap not arp 2>/dev/null & t=$!
sleep 1; ip netns exec $a nmap -n -Pn -p445 --script smb-vuln-ms17-010,smb-double-pulsar-backdoor,smb-protocols 10.42.1.10 >/dev/null 2>&1; sleep 0.5; kill -INT $t; wait $t
cp "$d/nmap.pcap" "$rules/ms17-010-probe/nmap.pcap"; cp "$d/nmap.pcap" "$rules/doublepulsar/nmap.pcap"
