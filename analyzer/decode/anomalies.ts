/**
 * What can be wrong with a packet: a closed list, in the names that Suricata's rules use
 * (`decode-event:ipv4.trunc_pkt`). The number of an anomaly is its place in the list.
 */
export const ANOMALIES = [
  'decoder.too_many_layers',
  'decoder.ethernet.pkt_too_small', 'decoder.ethernet.unknown_ethertype',
  'decoder.sll.pkt_too_small', 'decoder.sll2.pkt_too_small', 'decoder.chdlc.pkt_too_small',
  'decoder.ltnull.pkt_too_small', 'decoder.ltnull.unsupported_type', 'decoder.ipraw.invalid_ip_version',
  'decoder.vlan.header_too_small', 'decoder.vlan.unknown_type', 'decoder.vlan.too_many_layers',
  'decoder.mpls.header_too_small', 'decoder.mpls.pkt_too_small', 'decoder.mpls.bad_label_router_alert',
  'decoder.mpls.bad_label_implicit_null', 'decoder.mpls.bad_label_reserved', 'decoder.mpls.unknown_payload_type',
  'decoder.pppoe.pkt_too_small', 'decoder.pppoe.wrong_code',
  'decoder.ppp.pkt_too_small', 'decoder.ppp.ip4_pkt_too_small', 'decoder.ppp.ip6_pkt_too_small',
  'decoder.ppp.wrong_type', 'decoder.ppp.unsup_proto',
  'decoder.arp.pkt_too_small', 'decoder.arp.unsupported_hardware', 'decoder.arp.unsupported_protocol',
  'decoder.arp.invalid_hardware_size', 'decoder.arp.invalid_protocol_size', 'decoder.arp.unsupported_opcode',
  'decoder.ipv4.pkt_too_small', 'decoder.ipv4.hlen_too_small', 'decoder.ipv4.iplen_smaller_than_hlen',
  'decoder.ipv4.trunc_pkt', 'decoder.ipv4.wrong_ip_version', 'decoder.ipv4.opt_invalid', 'decoder.ipv4.opt_invalid_len',
  'decoder.ipv4.opt_malformed', 'decoder.ipv4.icmpv6', 'decoder.ipv4.unknown_protocol',
  'decoder.ipv4.frag_pkt_too_large', 'decoder.ipv4.frag_overlap', 'decoder.ipv4.frag_ignored',
  'decoder.ipv6.pkt_too_small', 'decoder.ipv6.trunc_pkt', 'decoder.ipv6.trunc_exthdr', 'decoder.ipv6.wrong_ip_version',
  'decoder.ipv6.exthdr_dupl_fh', 'decoder.ipv6.exthdr_useless_fh', 'decoder.ipv6.exthdr_dupl_rh',
  'decoder.ipv6.exthdr_dupl_hh', 'decoder.ipv6.exthdr_dupl_dh', 'decoder.ipv6.exthdr_dupl_ah',
  'decoder.ipv6.exthdr_invalid_optlen', 'decoder.ipv6.exthdr_ah_res_not_null', 'decoder.ipv6.rh_type_0',
  'decoder.ipv6.hopopts_unknown_opt', 'decoder.ipv6.hopopts_only_padding', 'decoder.ipv6.dstopts_unknown_opt',
  'decoder.ipv6.dstopts_only_padding', 'decoder.ipv6.zero_len_padn', 'decoder.ipv6.fh_non_zero_reserved_field',
  'decoder.ipv6.data_after_none_header', 'decoder.ipv6.unknown_next_header', 'decoder.ipv6.icmpv4',
  'decoder.ipv6.frag_pkt_too_large', 'decoder.ipv6.frag_overlap', 'decoder.ipv6.frag_invalid_length',
  'decoder.ipv6.frag_ignored',
  'decoder.ipv6.ipv4_in_ipv6_too_small', 'decoder.ipv6.ipv4_in_ipv6_wrong_version',
  'decoder.ipv6.ipv6_in_ipv6_too_small', 'decoder.ipv6.ipv6_in_ipv6_wrong_version',
  'decoder.tcp.pkt_too_small', 'decoder.tcp.hlen_too_small', 'decoder.tcp.invalid_optlen', 'decoder.tcp.opt_invalid_len',
  'decoder.tcp.opt_duplicate',
  'decoder.udp.pkt_too_small', 'decoder.udp.hlen_too_small', 'decoder.udp.hlen_invalid', 'decoder.udp.len_invalid',
  'decoder.icmpv4.pkt_too_small', 'decoder.icmpv4.unknown_type', 'decoder.icmpv4.unknown_code',
  'decoder.icmpv4.ipv4_trunc_pkt', 'decoder.icmpv4.ipv4_unknown_ver',
  'decoder.icmpv6.pkt_too_small', 'decoder.icmpv6.unknown_type', 'decoder.icmpv6.unknown_code',
  'decoder.icmpv6.ipv6_unknown_version', 'decoder.icmpv6.ipv6_trunc_pkt', 'decoder.icmpv6.unassigned_type',
  'decoder.icmpv6.experimentation_type',
  'decoder.sctp.pkt_too_small', 'decoder.sctp.chunk_too_small', 'decoder.sctp.chunk_len_invalid',
  'decoder.sctp.init_chunk_bundled', 'decoder.sctp.init_with_non_zero_vtag', 'decoder.sctp.data_with_zero_vtag',
  'decoder.sctp.too_many_chunks', 'decoder.esp.pkt_too_small',
  'decoder.gre.pkt_too_small', 'decoder.gre.wrong_version', 'decoder.gre.version0_recur', 'decoder.gre.version0_flags',
  'decoder.gre.version0_hdr_too_big', 'decoder.gre.version0_malformed_sre_hdr', 'decoder.gre.version1_chksum',
  'decoder.gre.version1_route', 'decoder.gre.version1_ssr', 'decoder.gre.version1_recur', 'decoder.gre.version1_flags',
  'decoder.gre.version1_no_key', 'decoder.gre.version1_wrong_protocol', 'decoder.gre.version1_hdr_too_big',
  'decoder.erspan.header_too_small', 'decoder.erspan.unsupported_version', 'decoder.erspan.too_many_vlan_layers',
  'decoder.vxlan.unknown_payload_type', 'decoder.geneve.unknown_payload_type',
  // Suricata has rules but no decoder event for checksums; the names follow its `ipv4-csum` keywords.
  'decoder.ipv4.invalid_checksum', 'decoder.tcp.invalid_checksum', 'decoder.udp.invalid_checksum',
  'decoder.icmpv4.invalid_checksum', 'decoder.icmpv6.invalid_checksum',
] as const;
export type Anomaly = (typeof ANOMALIES)[number];

type Short<N> = N extends `decoder.${infer S}` ? S : never;
/** Anomaly numbers by short name: `A['ipv4.trunc_pkt']`. */
export const A = Object.fromEntries(ANOMALIES.map((name, i) => [name.slice('decoder.'.length), i])) as Record<
  Short<Anomaly>, number
>;
