/** Layers and fields of a decoded packet, by the name that the decoder gives them; what is not here keeps its standard English name. */
export const zh = {
  layer: {
    eth: '以太网帧', sll: 'Linux 抓包封装', vlan: 'VLAN 标签', mpls: 'MPLS 标签', arp: '地址解析协议 ARP', ipv4: '网际协议 IPv4', ipv6: '网际协议 IPv6', 'ipv6.ext': 'IPv6 扩展头', icmp: '控制报文协议 ICMP', icmpv6: '控制报文协议 ICMPv6',
    tcp: '传输控制协议 TCP', udp: '用户数据报协议 UDP', http: '超文本传输协议 HTTP', tls: '传输层安全 TLS', ssh: '安全外壳协议 SSH', dns: '域名系统 DNS', data: '载荷数据',
  },
  field: {
    destination: '目的地址', source: '源地址', type: '类型', id: '标识', label: '标签', operation: '操作', sender: '发送方', target: '目标', 'total length': '总长度', identification: '标识', fragment: '分片', ttl: '生存时间', protocol: '上层协议',
    'payload length': '载荷长度', 'next header': '下一个头', 'hop limit': '跳数限制', code: '代码', 'source port': '源端口', 'destination port': '目的端口', 'sequence number': '序列号', acknowledgement: '确认号', flags: '标志位', window: '窗口', options: '选项',
    length: '长度', 'first line': '首行', line: '行', handshake: '握手', 'server name': '服务器名称', version: '版本', command: '命令', kind: '报文种类', question: '查询',
  },
  place: '第 {at} 字节起，共 {n} 字节',
  needs: '需要 {need} 字节，只有 {has} 字节',
  header: '头部长度 {n} 字节不合法',
  version: '版本 {v}、头部长度 {n} 字节不合法',
  questionCut: '查询部分不完整',
};
export const en: typeof zh = {
  layer: {
    eth: 'Ethernet II', sll: 'Linux cooked capture', vlan: '802.1Q VLAN', mpls: 'MPLS', arp: 'ARP', ipv4: 'IPv4', ipv6: 'IPv6', 'ipv6.ext': 'IPv6 extension header', icmp: 'ICMP', icmpv6: 'ICMPv6',
    tcp: 'TCP', udp: 'UDP', http: 'HTTP', tls: 'TLS', ssh: 'SSH', dns: 'DNS', data: 'Data',
  },
  field: {
    destination: 'Destination', source: 'Source', type: 'Type', id: 'Identifier', label: 'Label', operation: 'Operation', sender: 'Sender', target: 'Target', 'total length': 'Total length', identification: 'Identification', fragment: 'Fragment', ttl: 'Time to live', protocol: 'Protocol',
    'payload length': 'Payload length', 'next header': 'Next header', 'hop limit': 'Hop limit', code: 'Code', 'source port': 'Source port', 'destination port': 'Destination port', 'sequence number': 'Sequence number', acknowledgement: 'Acknowledgement', flags: 'Flags', window: 'Window', options: 'Options',
    length: 'Length', 'first line': 'First line', line: 'Line', handshake: 'Handshake', 'server name': 'Server name', version: 'Version', command: 'Command', kind: 'Kind', question: 'Question',
  },
  place: '{n} bytes from {at}',
  needs: 'Needs {need} bytes, has {has}',
  header: 'A header of {n} bytes cannot be',
  version: 'Version {v}, header of {n} bytes: cannot be',
  questionCut: 'A question is cut',
};
