/** Anomalies of HTTP/1: a closed union, named as Suricata names its http events in lower case where it has one. */
export type HttpAnomaly =
  | 'request_line_invalid' | 'request_line_missing_protocol' | 'request_line_leading_whitespace'
  | 'request_line_unknown_method' | 'method_delim_non_compliant' | 'uri_delim_non_compliant'
  | 'request_field_missing_colon' | 'response_field_missing_colon' | 'request_header_invalid'
  | 'response_header_invalid' | 'request_invalid_empty_name' | 'response_invalid_empty_name'
  | 'request_invalid_lws_after_name' | 'response_invalid_lws_after_name' | 'request_header_repetition'
  | 'response_header_repetition' | 'invalid_request_field_folding' | 'invalid_response_field_folding'
  | 'request_field_too_long' | 'response_field_too_long' | 'request_too_many_headers' | 'response_too_many_headers'
  | 'missing_host_header' | 'host_header_ambiguous' | 'double_encoded_uri'
  | 'invalid_content_length_field_in_request' | 'invalid_content_length_field_in_response'
  | 'duplicate_content_length_field_in_request' | 'duplicate_content_length_field_in_response'
  | 'invalid_transfer_encoding_value_in_request' | 'invalid_transfer_encoding_value_in_response'
  | 'request_content_length_and_chunked' | 'response_content_length_and_chunked'
  | 'invalid_request_chunk_len' | 'invalid_response_chunk_len' | 'request_chunk_extension' | 'response_chunk_extension'
  | 'response_chunked_old_proto' | '100_continue_already_seen' | 'unable_to_match_response_to_request'
  | 'response_invalid_protocol' | 'response_invalid_status' | 'gzip_decompression_failed' | 'compression_bomb'
  | 'abnormal_ce_header' | 'multipart_invalid_header' | 'multipart_no_filedata' | 'deformed_eol'
  | 'switching_proto_with_content_length' | 'too_many_pending_requests';
