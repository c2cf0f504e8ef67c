import { ANOMALIES } from '../../decode/anomalies.js';

/** Anomalies that parsers name, by protocol; a test holds the list to the types beside the parsers. */
export const APP_EVENTS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(Object.entries({
  dcerpc: `
    invalid_header fragment_too_long`,
  dhcp: `
    truncated_options malformed_options`,
  dns: `
    malformed_data not_request not_response z_flag_set invalid_opcode infinite_loop unsolicited_response`,
  ftp: `
    request_command_too_long response_command_too_long`,
  http: `
    request_line_invalid request_line_missing_protocol request_line_leading_whitespace request_line_unknown_method method_delim_non_compliant
    uri_delim_non_compliant request_field_missing_colon response_field_missing_colon request_header_invalid response_header_invalid
    request_invalid_empty_name response_invalid_empty_name request_invalid_lws_after_name response_invalid_lws_after_name request_header_repetition
    response_header_repetition invalid_request_field_folding invalid_response_field_folding request_field_too_long response_field_too_long
    request_too_many_headers response_too_many_headers missing_host_header host_header_ambiguous double_encoded_uri
    invalid_content_length_field_in_request invalid_content_length_field_in_response duplicate_content_length_field_in_request
    duplicate_content_length_field_in_response invalid_transfer_encoding_value_in_request invalid_transfer_encoding_value_in_response
    request_content_length_and_chunked response_content_length_and_chunked invalid_request_chunk_len invalid_response_chunk_len
    request_chunk_extension response_chunk_extension response_chunked_old_proto 100_continue_already_seen unable_to_match_response_to_request
    response_invalid_protocol response_invalid_status gzip_decompression_failed compression_bomb abnormal_ce_header multipart_invalid_header
    multipart_no_filedata deformed_eol switching_proto_with_content_length too_many_pending_requests`,
  http2: `
    invalid_frame_header invalid_client_magic invalid_frame_data invalid_header invalid_frame_length header_frame_with_too_long_length
    too_many_streams userinfo_in_uri authority_host_mismatch failed_decompression`,
  ike: `
    malformed_data weak_crypto_enc weak_crypto_prf weak_crypto_auth weak_crypto_dh weak_crypto_no_dh unknown_proposal payload_extra_data`,
  krb5: `
    malformed_data weak_encryption`,
  mqtt: `
    missing_connect missing_publish double_connect unintroduced_message invalid_qos_level missing_msg_id unassigned_msg_type malformed_traffic`,
  quic: `
    failed_decrypt error_on_data crypto_frag_too_long`,
  rfb: `
    malformed_message unimplemented_security_type unknown_security_result`,
  smb: `
    record_overflow malformed_data malformed_ntlmssp_request negotiate_malformed_dialects compressed_header`,
  smtp: `
    mime_boundary_too_long mime_invalid_base64 mime_depth`,
  ssh: `
    invalid_banner long_banner invalid_record long_kex_record`,
  tls: `
    invalid_record_type invalid_record_version invalid_record_length invalid_handshake_message invalid_certificate certificate_invalid_length
    too_many_records_in_packet heartbeat_message invalid_heartbeat_message dataleak_heartbeat_mismatch handshake_invalid_length`,
  websocket: `
    skip_end_of_payload reassembly_limit_reached invalid_opcode failed_decompression`,
}).map(([protocol, names]) => [protocol, names.trim().split(/\s+/)]));

/** Anomalies of streams. */
const STREAM_EVENTS = [
  'stream.3whs_synack_resend_with_diff_seq', 'stream.3whs_synack_with_wrong_ack', 'stream.est_syn_resend_diff_seq', 'stream.est_synack_resend_with_diff_seq',
  'stream.reassembly_overlap_different_data', 'stream.reassembly_seq_gap', 'stream.rst_invalid_ack', 'stream.suspected_rst_inject',
];

const KNOWN = new Set<string>([...ANOMALIES, ...STREAM_EVENTS, ...Object.entries(APP_EVENTS).flatMap(([protocol, names]) => names.map((name) => `${protocol}.${name}`))]);

/** Whether anything here names the anomaly: a rule on another stays silent. */
export const isNamed = (event: string): boolean => KNOWN.has(event);
