import type { Transaction } from '../parser.js';
import { statusName } from './names.js';
import type { NtlmAuthenticate } from './ntlm.js';

/** One command with its answer. */
export class SmbTransaction implements Transaction {
  readonly protocol = 'smb';
  matcher: unknown;
  command = '';
  dialect = '';
  status = -1;
  session = 0;
  tree = 0;
  filename: string | undefined;
  share: string | undefined;
  pipe: string | undefined;
  ntlm: NtlmAuthenticate | undefined;
  /** Account of a log-in without extended security (NTLM responses in the request itself). */
  account: string | undefined;
  /** The open this reads from. */
  readKey = '';
  dialects: string[] = [];
  guid = '';
  /** What EVE shows of single commands beside: how a file is opened and what it is like, sizes that a server takes, kind of a share. */
  more: Record<string, unknown> = {};
  rpc: Record<string, unknown> | undefined;
  told = false;
  constructor(
    readonly id: number,
    readonly version: 1 | 2,
  ) {}
  detail(): Record<string, unknown> {
    return {
      id: this.id + 1,
      dialect: this.dialect,
      command: `SMB${this.version}_COMMAND_${this.command}`,
      ...(this.status >= 0 && { status: statusName(this.status), status_code: `0x${this.status.toString(16)}` }),
      session_id: this.session,
      tree_id: this.tree,
      ...(this.filename !== undefined && { filename: this.filename }),
      ...(this.share !== undefined && { share: this.share }),
      ...(this.pipe !== undefined && { named_pipe: this.pipe }),
      ...(this.dialects.length > 0 && { client_dialects: this.dialects }),
      ...(this.guid !== '' && { server_guid: this.guid }),
      ...this.more,
      ...(this.ntlm && {
        ntlmssp: {
          domain: this.ntlm.domain,
          user: this.ntlm.user,
          host: this.ntlm.host,
          ...(this.ntlm.version !== '' && { version: this.ntlm.version }),
        },
      }),
      ...(this.rpc && { dcerpc: this.rpc }),
    };
  }
}
