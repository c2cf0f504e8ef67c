import type { Bilingual } from '../../contracts/alert.js';
import type { ApiError, Fault } from '../model/api.js';
import { coded } from '../../runtime/errors.js';

/** Errors at start, for the operator's terminal. */
export const exposedWithoutTls = coded(
  'SW_CONSOLE_NO_TLS', (host: string) => `The console is to listen on ${host} without TLS.`,
  'Give tls.cert and tls.key, set behindProxy: true where a proxy speaks TLS, or listen on 127.0.0.1.',
);
export const routeWithoutPermission = coded(
  'SW_CONSOLE_ROUTE_OPEN', (route: string) => `The route ${route} has no entry in the permission table.`,
  'Add it to ROUTES in console/model/permissions.ts.',
);
export const cannotListen = coded(
  'SW_CONSOLE_LISTEN', (host: string, port: number, why: string) => `The console cannot listen on ${host}:${port}: ${why}.`,
  'Choose another listen.port, or stop what uses this one.',
);
export const storeUnusable = coded(
  'SW_CONSOLE_STORE', (what: string) => `The store cannot be opened: ${what}.`,
  'Check dataDir (writable, enough room) or database (reachable, right password).',
);
export const backupFailed = coded('SW_CONSOLE_BACKUP', (what: string) => `The backup could not be made: ${what}.`, 'Nothing was changed; mend it and try again.');
export const restoreFailed = coded('SW_CONSOLE_RESTORE', (what: string) => `The backup cannot be restored: ${what}.`, 'Choose another backup, or mend what is said; the data directory is as it was.');
export const migrationBackup = coded('SW_CONSOLE_MIGRATION_BACKUP', (why: string) => `The store has an older schema and cannot be backed up before it is changed: ${why}.`, 'Install postgresql-client of the server\'s version, or back the database up yourself and start once with SW_MIGRATE_WITHOUT_BACKUP=1.');
export const storeNewer = coded(
  'SW_CONSOLE_STORE_NEWER', (has: number, knows: number) => `The store has schema ${has}, this program knows ${knows}.`,
  'Start the newer program, or restore the backup that was made before the migration.',
);

/** An error the browser gets, in the reader's language. */
export class Refused extends Error {
  constructor(
    readonly status: number, readonly code: `SW_CONSOLE_${string}`, readonly text: Bilingual, readonly advice: Bilingual,
    readonly details?: ApiError['details'],
  ) {
    super(text.en);
  }

  toBody(lang: 'zh' | 'en'): ApiError {
    return { code: this.code, message: this.text[lang], hint: this.advice[lang], ...(this.details ? { details: this.details } : {}) };
  }
}

const b = (zh: string, en: string): Bilingual => ({ zh, en });
const again = b('请稍后重试。', 'Try again later.');

export const refusals = {
  notFound: () => new Refused(404, 'SW_CONSOLE_NOT_FOUND', b('没有这条记录，或不在您的范围内。', 'There is no such record, or it is outside your part of the organisation.'), b('返回列表重新查找。', 'Go back to the list.')),
  noRoute: () => new Refused(404, 'SW_CONSOLE_NO_ROUTE', b('没有这个接口。', 'There is no such route.'), b('接口列表见 /api/openapi.json。', 'The routes are listed in /api/openapi.json.')),
  needLogin: () => new Refused(401, 'SW_CONSOLE_LOGIN', b('尚未登录或会话已过期。', 'Not logged in, or the session has ended.'), b('请登录。', 'Log in.')),
  forbidden: (what: string) => new Refused(403, 'SW_CONSOLE_FORBIDDEN', b(`您的角色无权执行此操作（${what}）。`, `Your roles do not allow this (${what}).`), b('请联系安全管理员授权。', 'Ask the security administrator.')),
  csrf: () => new Refused(403, 'SW_CONSOLE_CSRF', b('请求来源校验失败。', 'The request does not come from this console\'s pages.'), b('刷新页面后重试。', 'Reload the page and try again.')),
  mustChange: () => new Refused(403, 'SW_CONSOLE_CHANGE_PASSWORD', b('须先修改初始密码。', 'The first password has to be changed.'), b('在「修改密码」中设置新密码。', 'Set a new one under “change password”.')),
  badRequest: (path: string, text: string) => new Refused(400, 'SW_CONSOLE_BAD_REQUEST', b(`请求内容有误：${path} ${text}`, `The request is wrong: ${path} ${text}`), b('更正后重试。', 'Correct it and try again.'), { path, text }),
  badRegistry: (faults: Fault[]) => new Refused(400, 'SW_CONSOLE_REGISTRY', b(`登记表有 ${faults.length} 处错误。`, `The registry has ${faults.length} fault${faults.length === 1 ? '' : 's'}.`), b('逐条更正后重新导入。', 'Mend them and import it again.'), { faults }),
  /** @param now the record as it stands */
  conflict: (now?: { version: number; state: string }) => new Refused(409, 'SW_CONSOLE_CONFLICT', b('该记录刚被他人修改。', 'Somebody else has just changed this record.'), b('重新载入后再操作。', 'Load it again, then act.'), now && { version: now.version, state: now.state }),
  taken: (what: string) => new Refused(409, 'SW_CONSOLE_TAKEN', b(`“${what}”已存在。`, `“${what}” exists already.`), b('换一个名称。', 'Choose another one.')),
  inUse: (what: string) => new Refused(409, 'SW_CONSOLE_IN_USE', b(`“${what}”仍被引用，不能删除。`, `“${what}” is still in use.`), b('先删除引用它的下级单位、系统或用户。', 'Remove the units, systems or users below it first.')),
  illegalStep: (from: string, action: string) => new Refused(409, 'SW_CONSOLE_ILLEGAL_STEP', b(`当前状态（${from}）不能执行“${action}”。`, `“${action}” is not possible in the state “${from}”.`), b('重新载入后查看可用操作。', 'Load it again to see what is possible.')),
  needs: (need: string, zh: string, en: string) => new Refused(422, 'SW_CONSOLE_NEEDS', b(zh, en), b('补充后重试。', 'Add it and try again.'), { path: need }),
  badLogin: () => new Refused(401, 'SW_CONSOLE_BAD_LOGIN', b('账号或密码错误。', 'Wrong account or password.'), b('检查后重试；多次失败将锁定。', 'Try again; repeated failures lock the account.')),
  locked: (seconds: number) => new Refused(429, 'SW_CONSOLE_LOCKED', b(`失败次数过多，请 ${seconds} 秒后重试。`, `Too many failures; wait ${seconds} seconds.`), b('忘记密码请联系系统管理员。', 'If the password is lost, ask the system administrator.'), { retryAfter: seconds }),
  tooMany: (seconds: number) => new Refused(429, 'SW_CONSOLE_RATE', b('请求过于频繁。', 'Too many requests.'), again, { retryAfter: seconds }),
  setupDone: () => new Refused(409, 'SW_CONSOLE_SETUP_DONE', b('已完成初始化。', 'The console is set up already.'), b('请直接登录。', 'Log in.')),
  badSetupCode: () => new Refused(403, 'SW_CONSOLE_SETUP_CODE', b('初始化码错误或已作废。', 'The set-up code is wrong or void.'), b('使用本次启动时打印的初始化码；重新启动会打印新的。', 'Use the code printed at this start; a restart prints a new one.')),
  weakPassword: (min: number, classes: number) => new Refused(422, 'SW_CONSOLE_WEAK_PASSWORD', b(`密码至少 ${min} 位，含大写、小写、数字、符号中的 ${classes} 类，不得包含账号，且不得为常见密码。`, `A password has at least ${min} characters of ${classes} kinds (lower case, upper case, digits, others), does not contain the account and is not a common one.`), b('换一个更强的密码。', 'Choose a stronger one.')),
  separation: (one: string, two: string) => new Refused(422, 'SW_CONSOLE_SEPARATION', b(`“${one}”与“${two}”不能由同一人担任（三员分立）。`, `“${one}” and “${two}” must not be one person's.`), b('另建账号承担该角色。', 'Give the role to another account.')),
  ownRoles: () => new Refused(403, 'SW_CONSOLE_OWN_ROLES', b('不能修改自己的角色。', 'Nobody changes their own roles.'), b('请另一名安全管理员操作。', 'Ask another security administrator.')),
  tooLarge: () => new Refused(413, 'SW_CONSOLE_TOO_LARGE', b('内容过大。', 'The content is too large.'), b('减小后重试。', 'Send less.')),
  badFile: () => new Refused(415, 'SW_CONSOLE_FILE_TYPE', b('不接受此类文件。', 'Files of this kind are not accepted.'), b('可上传 PDF、DOCX、XLSX、PNG、JPEG、TXT、PCAP、ZIP。', 'PDF, DOCX, XLSX, PNG, JPEG, TXT, PCAP and ZIP are.')),
  usedPassword: (n: number) => new Refused(422, 'SW_CONSOLE_USED_PASSWORD', b(`不得使用最近 ${n} 次用过的密码。`, `One of the last ${n} passwords cannot be used again.`), b('换一个新密码。', 'Choose a new one.')),
  wrongPassword: () => new Refused(422, 'SW_CONSOLE_WRONG_PASSWORD', b('当前密码错误。', 'The password is wrong.'), b('重新输入当前密码。', 'Give your present password.')),
  secondFactor: () => new Refused(401, 'SW_CONSOLE_SECOND_FACTOR', b('请输入动态验证码。', 'The code of the second factor is wanted.'), b('打开验证器，输入六位验证码；也可使用恢复码。', 'Open the authenticator and give its six digits, or use a recovery code.')),
  mustEnrol: () => new Refused(403, 'SW_CONSOLE_ENROL', b('您的角色要求两步验证，须先启用。', 'Your role demands two-step login; it has to be turned on first.'), b('在「我的账号」中绑定验证器。', 'Bind an authenticator under “my account”.')),
  badCode: () => new Refused(422, 'SW_CONSOLE_BAD_CODE', b('验证码错误或已失效。', 'The code is wrong or void.'), b('检查设备时间后重试。', 'Check the clock of the device and try again.')),
  strictPassword: () => new Refused(403, 'SW_CONSOLE_TWO_PEOPLE', b('三员分立模式下，管理员不得设置他人密码。', 'Where administrators are kept apart, none sets another\'s password.'), b('由系统管理员发起重置、安全管理员批准，用户凭两段口令自行设置。', 'Ask for a reset: two administrators give half a code each, and the user sets the password.')),
  oidc: () => new Refused(401, 'SW_CONSOLE_OIDC', b('统一身份认证登录失败，或没有对应的账号。', 'The login at the identity provider failed, or no account belongs to it.'), b('请联系系统管理员建立同名账号。', 'Ask the system administrator for an account of that name.')),
  noCapture: () => new Refused(409, 'SW_CONSOLE_NO_CAPTURE', b('证据文件缺失或不是报文文件。', 'The evidence is missing or is no capture file.'), b('可下载原始文件核对其摘要。', 'Download it as it is and compare its hash.')),
  noAnalyzer: () => new Refused(409, 'SW_CONSOLE_NO_ANALYZER', b('没有在线的分析器可以试跑规则。', 'No analyzer is running that could try a rule.'), b('在“监测节点”中检查分析器，恢复后重试。', 'Look at the analyzers under “nodes”, then try again.')),
  trialRunning: () => new Refused(409, 'SW_CONSOLE_TRIAL_RUNNING', b('已有一条规则正在试跑。', 'A rule is being tried already.'), b('等它结束，或由发起人停止。', 'Wait for its end, or let whoever started it stop it.')),
  internal: () => new Refused(500, 'SW_CONSOLE_INTERNAL', b('内部错误，已记入日志。', 'An internal error; it is in the log.'), again),
};
