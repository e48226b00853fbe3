"""IP addresses in the forms of their specifications, and what looks like them."""

from __future__ import annotations

import pytest

from tests.unit.cleaning.pii_marks import cases, found, meant

IP = r"""
ping ⟦8.8.8.8⟧
Connect to ⟦192.168.0.1⟧:8080, then ⟦10.1.2.3⟧/24.
http://⟦203.0.113.7⟧/index.html and https://user:pw@⟦198.51.100.4⟧:8443/
server version 2 at ⟦10.0.0.1⟧
The address of the name server is ⟦4.2.2.1⟧.
listen ⟦127.0.0.1⟧:80; bind ⟦0.0.0.0⟧; localhost is ⟦127.0.0.1⟧
Range ⟦192.168.1.10⟧-⟦192.168.1.20⟧ or ⟦10.0.0.1⟧-254
Range: ⟦5.6.7.8⟧/29
netmask 255.255.255.0 for ⟦172.16.3.9⟧, broadcast ⟦172.16.3.255⟧
multicast group ⟦239.1.2.3⟧
src=⟦5.6.7.8⟧ dst=⟦1.2.3.4⟧ spt=22
client_ip=⟦1.2.3.4⟧ remoteAddress="⟦2.3.4.5⟧"
ip.addr == ⟦5.6.7.8⟧ && tcp
IP ⟦192.168.1.5⟧.51234 > ⟦93.184.216.34⟧.80: Flags [S]
IP ⟦192.168.1.5⟧.51234 > ⟦10.0.0.1⟧.http: Flags [S]
DNS ⟦8.8.8.8⟧, ⟦1.1.1.1⟧ and ⟦9.9.9.9⟧
DNS: ⟦4.2.2.1⟧, ⟦4.2.2.2⟧ and ⟦4.2.2.3⟧
⟦66.249.66.1⟧ - - [12/Dec/2023:10:00:00 +0000] "GET / HTTP/1.1" 200
Received: from mx (mx.example.org [⟦81.2.69.142⟧]) by x
[⟦2.3.4.5⟧]:22 host key of server ⟦2.3.4.5⟧
Nmap scan report for ⟦45.33.32.156⟧; nmap -sS ⟦10.0.0.5⟧
SNMP agent at ⟦10.1.1.1⟧
Windows host ⟦10.0.0.5⟧ and my Mac ⟦192.168.1.6⟧
Update: the server ⟦10.20.0.7⟧ is down
ssh root@⟦10.0.0.1⟧
localhost/⟦127.0.0.1⟧ and /⟦10.0.0.9⟧:51324
\\⟦10.0.0.5⟧\share
Der Server läuft auf ⟦10.0.0.1⟧ (Version 2.3.4.5)
Adresse IP : ⟦5.4.3.2⟧
IP地址：⟦5.4.3.2⟧
IPアドレスは⟦1.2.3.4⟧です
Сервер ⟦5.4.3.2⟧ недоступен
v=spf1 ip4:⟦192.0.2.0⟧/24 ip6:⟦2001:db8::⟧/32 -all
⟦192.168.1.254⟧。
x-forwarded-for: ⟦1.2.3.4⟧, ⟦5.6.7.8⟧
version 10.0.1.2 of the library
Version 2.0.0.100, v2.0.0.101 and (v 2.0.0.102)
versions 1.2.3.40, 1.2.3.41 and 1.2.3.42
upgrade from 4.2.0.58 to 4.2.1.61
Update auf 10.2.1.4
mise à jour vers 10.2.1.4
pip install tool==10.1.2.50
tool>=10.0.0.50, tool ~> 10.0.0.51, "tool": "^10.0.0.52"
AssemblyVersion("10.4.5.60") FileVersion=10.4.5.61 <version>10.4.5.62</version>
firmware: 10.3.0.60; build 10.3.0.61; release 10.3.0.62
fw 10.3.0.60, rev. 10.3.0.61
Section 10.2.3.40, §10.2.3.41 and § 10.2.3.42
Abschnitt 10.2.3.40, article 10.2.3.41, Kapitel 10.2.3.42, раздел 10.2.3.43
版本 10.2.3.40、バージョン10.2.3.41、버전 10.2.3.42
εκδόσεις: έκδοση 10.2.3.40; الإصدار 10.2.3.40; גרסה 10.2.3.40
EC 1.14.13.39 and 1.1.1.1
OID 1.3.6.1 and 1.3.6.1.4.1.9
3.2.1.4 Client setup of the server
Server\n4.2.1.3 Requirements of hosts
Firefox 115.0.0.1, Chrome/120.0.0.0 Safari, Windows 10.0.0.1
SQL Server 10.3.6.0 and WebLogic Server 12.1.3.0
libfoo-1.2.3.45.tar.gz and libfoo_2.3.4.5_amd64.deb
libfoo 1.2.3.45-2 is in testing
10.0.0.1.example.org and 4.3.2.1.in-addr.arpa
999.1.1.1, 192.168.01.1, 1.2.3.256 and 1.2.3
10.0.0.1a and x10.0.0.1 and 1.10.0.0.1
on 12.04.2024 at 10.30.15
netmask 255.255.254.0, wildcard 0.0.0.255
## [1.2.3.4] - 2024-01-05
tcp 0 0 ⟦0.0.0.0⟧:22 ⟦0.0.0.0⟧:* LISTEN
inet addr:⟦192.168.1.5⟧  Bcast:⟦192.168.1.255⟧  Mask:255.255.255.0
default via ⟦192.168.1.1⟧ dev eth0 src ⟦192.168.1.7⟧
ip address ⟦10.1.1.1⟧ 255.255.255.0
permit ip host ⟦1.2.3.4⟧ any; permit ⟦10.0.0.0⟧ 0.255.255.255
hosts = ["⟦1.2.3.4⟧", "⟦5.6.7.8⟧"]
DB_HOST=⟦5.6.7.8⟧ bind-address = ⟦127.0.0.1⟧
docker run -p ⟦127.0.0.1⟧:8080:80
Failed password for root from ⟦2.3.4.5⟧ port 22 ssh2
Special:Contributions/⟦81.2.69.142⟧ and User talk:⟦1.2.3.4⟧
Die IP-Adresse ⟦1.2.3.4⟧, la dirección IP ⟦2.3.4.5⟧ e l'indirizzo ⟦3.4.5.6⟧
example.org resolves to ⟦3.4.5.6⟧
Mon ordinateur est en ⟦192.168.1.30⟧
server: '⟦10.0.0.1⟧'
Gateway of last resort is ⟦10.9.8.7⟧
主机 ⟦10.1.2.3⟧ 无法访问
http://www.example.org/terms.php ⟦207.241.229.39⟧ 20080430
10.1.2.3 Definitions
Intel Graphics Driver 27.20.100.9 and Linux 2.6.32.60
CATH superfamily 3.40.50.20
tlf 22.33.44.55
see 10.1.2.3
nginx/1.2.3.40 and E.C. 3.4.21.60
0.0.0.1 and 0.1.2.3
⟦2001:db8::1⟧, ⟦2001:DB8:0:0:8:800:200C:417A⟧ and ⟦fe80::1%eth0⟧.
[⟦2001:db8::1⟧]:443, http://[⟦2001:db8::7⟧]/ and ⟦2001:db8:a::⟧/48
http://[⟦fe80::a%25en1⟧]/
⟦::ffff:192.0.2.1⟧, ⟦::FFFF:C000:0201⟧, ⟦64:ff9b::192.0.2.33⟧ and ⟦2001:db8::192.0.2.33⟧
Address ⟦::1⟧, [⟦::1⟧]:8080, http://[⟦::1⟧]/ and ⟦::1⟧/128
⟦127.0.0.1⟧ and ⟦::1⟧ localhost
listen on [⟦::⟧]:80 or ⟦::⟧/0
bind address ⟦::⟧ for all
⟦1080:0:0:0:8:800:200C:417A⟧ and ⟦0:0:0:0:0:ffff:192.0.2.9⟧
ping ⟦ff02::1%eth0⟧; all nodes ⟦ff02::1⟧; ⟦100::⟧/64
peer:⟦2001:db8::9⟧ AAAA:⟦2001:db8::8⟧
"ip":"⟦2001:db8:1::ab9:C0A8:102⟧"
inet6 ⟦fd00::42⟧ prefixlen 64
std::vector, Foo::Bar, a::b, ::std::ffi, x::1
xs[::2] and xs[::-1] and xs[1::2]
f :: Int -> Int
server db::add(1), module ad::bc of the host
select 2024::date, '2001'::text and 0::/user.slice
The :: operator of Perl
00:1A:2B:3C:4D:5E and 02:1a:2b:ff:fe:3c:4d:5e
12:34:56 and 01:14:22:09 and 2023:11:09 07:15:22
fingerprint 43:51:43:a1:b5:fc:8b:b7:0a:3a:a9:b1:0f:66:73:a8
dead::beef::1 and 1:2:3:4:5:6:7:8:9 and 2001:db8::12345 and 2001:db8::g
chr17:41196312:A:G and ratio 16:9:4
""".strip().replace(r"\n4", "\n4")


@pytest.mark.parametrize("line", cases(IP))
def test_ip(line: str) -> None:
    """The address without port, brackets and prefix length; nothing that is a version, a section, code or a time."""
    text, addresses = meant(line)
    assert found(text, "ip") == addresses


OUTPUT = r"""
tcp6       0      0 ⟦::1⟧:631                 ⟦::⟧:*                    LISTEN
tcp6       0      0 ⟦::⟧:22                   ⟦::⟧:*                    LISTEN
udp6       0      0 ⟦fe80::1⟧.546 *.*
tcp6  0  0  ⟦::1⟧.631   *.*    LISTEN
tcp6 0 0 ⟦2a01:4f8:c17:b8f:1:2:3:4⟧:443 ⟦2a02:8109:f0:42:1:2:3:9⟧:50122 ESTABLISHED
⟦0.0.0.0⟧:5000->5000/tcp, ⟦::⟧:5000->5000/tcp
LISTEN 0 128 [⟦::⟧]:22 [⟦::⟧]:*
LISTEN 0 100 [⟦::1⟧]:25 [⟦::⟧]:* users:(("master"))
  TCP    [⟦::⟧]:135              [⟦::⟧]:0                 LISTENING       892
mynetworks = ⟦127.0.0.0⟧/8 [⟦::1⟧]/128
connect from localhost[⟦::1⟧]
binding to ⟦0.0.0.0⟧ exposes the service, while ⟦127.0.0.1⟧ keeps it local. For IPv6 the matching pair is ⟦::⟧ and ⟦::1⟧.
the endpoint binds; in config I wrote "⟦::⟧" instead.
ListenAddress ⟦::⟧
ListenAddress ⟦0.0.0.0⟧⏎ListenAddress ⟦::⟧⏎⏎# x
bind ⟦127.0.0.1⟧ ⟦::1⟧
bind ⟦127.0.0.1⟧ -⟦::1⟧
bindIp: ⟦127.0.0.1⟧,⟦::1⟧
bind-address = ⟦::⟧
⟦127.0.0.1⟧ localhost⏎⟦::1⟧ localhost ip6-localhost
⟦fe00::0⟧ ip6-localnet⏎⟦ff00::0⟧ ip6-mcastprefix
s.bind(("⟦::⟧", 80)) and connect(("⟦::1⟧", 8080, 0, 0))
HTTPServer(('⟦::⟧', 8000), H)
Error: connect ECONNREFUSED ⟦::1⟧:3306
*   Trying ⟦::1⟧:8080...
Connected to localhost (⟦::1⟧) port 8080 (#0)
;; SERVER: ⟦::1⟧#53(⟦::1⟧)
64 bytes from ⟦::1⟧: icmp_seq=1
⟦::1⟧ - - [12/Dec/2023:10:00:00 +0000] "GET / HTTP/1.1" 200
Accepted password for root from ⟦::1⟧ port 54322 ssh2
Server listening on ⟦::⟧ port 22.
-A INPUT -s ⟦::1⟧/128 -j ACCEPT
ACCEPT all ⟦::⟧/0 ⟦::⟧/0
inet6 ⟦::1⟧/128 scope host
inet6 ⟦::1⟧  prefixlen 128  scopeid 0x10<host>
⟦::1⟧ dev lo proto kernel metric 256
localhost. 60 IN AAAA ⟦::1⟧
www 3600 IN A ⟦1.2.3.4⟧
GRANT ALL TO 'root'@'⟦::1⟧'
| root | ⟦::1⟧ |
/⟦0:0:0:0:0:0:0:1⟧:54321
req.ip gives ⟦::1⟧ on my machine
In IPv6 the loopback address is ⟦::1⟧ and the unspecified address is ⟦::⟧.
Die Loopback-Adresse ⟦::1⟧ ist lokal.
ループバックアドレスは⟦::1⟧です
local-address=⟦0.0.0.0⟧, ⟦::⟧
["⟦0.0.0.0⟧", "⟦::⟧"]
net.Listen("tcp6", "[⟦::1⟧]:8080")
⟦0.0.0.0⟧ ads.example.com
bind :: m a -> (a -> m b) -> m b
host :: String
connect :: Address -> IO ()
type(node), pointer :: next
integer :: port
call sub(a, ::1) and double[:, ::1] buf, np.s_[::1], int[::1, :] x
"a::b".split("::") in the host module
join("::") of the server
start the server on localhost ::⏎⏎    python -m x
::1 I think so too
text⏎::1. first point
::: note
pkg:::fun and x:::5
a :: 1 :: 2
@spec host(term) :: :ok
Seit FRITZ!OS 7.57.0.1 bricht
RouterOS 6.49.8.1 and PAN-OS 10.1.6.2, FortiOS 7.0.5.2
AGESA 1.2.0.7 and EMUI 9.1.0.326, DSM 7.1.1.3
ติดต่อ http://⟦110.164.50.7⟧/ รุ่นซอฟต์แวร์ 5.0.4.1
รุ่น 5.0.4.1 และเวอร์ชั่น 10.0.4.50
login dari ⟦36.80.144.27⟧ pakai aplikasi versi 7.0.2.3
login from ⟦36.80.144.27⟧ with the app 7.0.2.3 again
versiyon 10.2.3.60, verzió 10.2.3.61, bersyon 10.2.3.62
软件10.2.3.60和韌體 10.2.3.61
نسخة 10.2.3.60 ورژن 10.2.3.61
ვერსია 10.2.3.60 / нұсқа 10.2.3.61
Softwareversion 10.2.3.60, ohjelmistoversio 10.2.3.61
netmask 255.255.255.0 wildcard 0.0.7.255 mask 128.0.0.0
text⏎⟦2001:db8::1⟧ and⏎⟦::1⟧⏎
`⟦0.0.0.0⟧` is the wildcard
der Server hört auf ⟦10.20.30.40⟧, Software 5.0.4.1
the software server ⟦10.2.3.40⟧ and the application host ⟦10.2.3.41⟧
application at ⟦10.2.3.40⟧; app.run(host="⟦10.2.3.41⟧")
login from ⟦36.80.144.27⟧ to ⟦1.2.3.4⟧
traffic ⟦10.1.1.1⟧ -> ⟦1.2.3.4⟧ server
Chaos server ⟦10.0.0.1⟧ talks with the peer ⟦1.2.3.4⟧
Cluster ⟦10.0.0.1⟧:9300, ⟦2.3.4.5⟧:9300
our NAS ⟦10.0.0.8⟧ and NAS ⟦192.168.1.8⟧
listen [⟦::⟧]:80 default_server ipv6only=on;
Listen [⟦::⟧]:80
inet_interfaces = ⟦127.0.0.1⟧, [⟦::1⟧]
host all all ⟦::1⟧/128 md5
listen_addresses = '⟦::⟧'
--host ⟦::⟧ --port 80
uvicorn --host '⟦::⟧'
Uvicorn running on http://[⟦::⟧]:8000
server.listen(80, '⟦::⟧')
host: "⟦::⟧"⏎port: 80
inet_pton(AF_INET6, "⟦::1⟧", &a)
Require ip ⟦::1⟧
set_real_ip_from ⟦::1⟧;
In IPv6, ⟦::⟧ is the unspecified address
⟦::⟧ means all interfaces
use ⟦0.0.0.0⟧ (or ⟦::⟧ for IPv6)
The scope operator :: of C++ on the host
the C++ code calls ::bind(s) and ::listen(s) and ::connect
Address :: new(x)
"""


@pytest.mark.parametrize("line", cases(OUTPUT))
def test_own_host_and_versions(line: str) -> None:
    """What netstat, ss, docker, ip, ping, dig, servers' settings and logs print; types, slices, systems' versions are none."""
    text, addresses = meant(line.replace("⏎", "\n"))
    assert found(text, "ip") == addresses
