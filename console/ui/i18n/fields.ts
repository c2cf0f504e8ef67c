/** Fields of the records that the audit log speaks of, by the name that the server gives them. */
export const zh = {
  account: '账号', name: '名称', title: '标题', unit: '单位', disabled: '停用', roles: '角色', passwordReset: '重设密码', mustChange: '须改密码',
  settings: '设置', number: '文号', series: '编号周期', head: '红头', issuer: '署名', contact: '联系方式', deadlines: '时限', acknowledge: '签收', contain: '处置', rectify: '整改',
  workingTime: '仅计工作时间', calendar: '工作日历', from: '起', to: '止', offset: '时区（分钟）', weekdays: '工作日', holidays: '放假日', workdays: '调休上班日', escalation: '升级',
  remindAt: '提醒（已用 %）', superviseAfter: '督办（超期分钟）', id: '编号', scopes: '权限', days: '天数', links: '链节数', kind: '类型', status: '应答码',
  alerts: '告警', incidents: '事件', tickets: '通报', evidence: '取证包', evidenceBytes: '取证字节', automatic: '自动清理', metrics: '指标', at: '时间', dryRun: '试算', before: '早于',
  sha256: 'SHA-256', sm3: 'SM3', bytes: '字节', format: '格式', version: '版本', added: '新增', removed: '移除', changed: '变更', action: '动作', reason: '理由', ids: '对象', captures: '抓包', rule: '规则',
  match: '条件', class: '类别', source: '来源', asset: '资产', system: '系统', verdict: '判定', effect: '效果', expires: '到期', shownAgain: '恢复显示', level: '级别', owner: '负责人', state: '状态',
  summary: '情况', impact: '影响', demands: '处置要求', addressee: '主送', copies: '抄送', signer: '签收人', until: '延至', cause: '原因', measures: '措施', responsible: '责任人', phone: '电话',
  completedAt: '完成时间', residualRisk: '残余风险', genuine: '是否属实', method: '方法', result: '结果', alert: '告警', enabled: '启用', events: '内容', target: '去向', severity: '严重程度', filter: '筛选',
  formats: '格式', lang: '语言', page: '页面', query: '查询', ranges: '地址段', domains: '域名', value: '重要性', parent: '上级', zh: '中文名', en: '英文名', address: '地址', agent: '浏览器', files: '文件', comment: '记录', text: '文字',
  due_acknowledge: '签收时限', due_contain: '处置时限', due_rectify: '整改时限', done_acknowledge: '签收时间', done_contain: '处置时间', done_rectify: '整改时间', issued: '下发时间', ended: '结束时间', watch_until: '观察至', escalated: '已上报', round: '此前一轮', due: '时限', done: '完成', closed: '已归档', feedback: '反馈', verification: '核查', by: '经办人',
  '1': 'Ⅰ级', '2': 'Ⅱ级', '3': 'Ⅲ级', '4': 'Ⅳ级',
};
export const en: typeof zh = {
  account: 'Account', name: 'Name', title: 'Title', unit: 'Unit', disabled: 'Disabled', roles: 'Roles', passwordReset: 'Password reset', mustChange: 'Must change password',
  settings: 'Settings', number: 'Number', series: 'Series', head: 'Red head', issuer: 'Signed by', contact: 'Contact', deadlines: 'Deadlines', acknowledge: 'Sign for', contain: 'Contain', rectify: 'Rectify',
  workingTime: 'Working time only', calendar: 'Calendar', from: 'From', to: 'To', offset: 'Offset from UTC, minutes', weekdays: 'Weekdays', holidays: 'Holidays', workdays: 'Working days in lieu', escalation: 'Escalation',
  remindAt: 'Remind at % used', superviseAfter: 'Supervise after minutes', id: 'Id', scopes: 'Permissions', days: 'Days', links: 'Links', kind: 'Kind', status: 'Answer',
  alerts: 'Alerts', incidents: 'Incidents', tickets: 'Bulletins', evidence: 'Captures', evidenceBytes: 'Bytes of captures', automatic: 'Automatic', metrics: 'Metrics', at: 'Time', dryRun: 'Dry run', before: 'Before',
  sha256: 'SHA-256', sm3: 'SM3', bytes: 'Bytes', format: 'Format', version: 'Version', added: 'Added', removed: 'Removed', changed: 'Changed', action: 'Action', reason: 'Reason', ids: 'Objects', captures: 'Captures', rule: 'Rule',
  match: 'Conditions', class: 'Class', source: 'Source', asset: 'Asset', system: 'System', verdict: 'Verdict', effect: 'Effect', expires: 'Expires', shownAgain: 'Shown again', level: 'Level', owner: 'Owner', state: 'State',
  summary: 'Facts', impact: 'Impact', demands: 'Demands', addressee: 'Addressee', copies: 'Copies', signer: 'Signed for by', until: 'Until', cause: 'Cause', measures: 'Measures', responsible: 'Responsible', phone: 'Phone',
  completedAt: 'Completed', residualRisk: 'Residual risk', genuine: 'Genuine', method: 'Method', result: 'Result', alert: 'Alert', enabled: 'Enabled', events: 'Events', target: 'Target', severity: 'Severity', filter: 'Filter',
  formats: 'Formats', lang: 'Language', page: 'Page', query: 'Query', ranges: 'Ranges', domains: 'Domains', value: 'Value', parent: 'Parent', zh: 'Chinese name', en: 'English name', address: 'Address', agent: 'Browser', files: 'Files', comment: 'Note', text: 'Text',
  due_acknowledge: 'Sign by', due_contain: 'Contain by', due_rectify: 'Rectify by', done_acknowledge: 'Signed at', done_contain: 'Contained at', done_rectify: 'Rectified at', issued: 'Issued', ended: 'Ended', watch_until: 'Watched until', escalated: 'Escalated', round: 'Round before', due: 'Due', done: 'Done', closed: 'Closed', feedback: 'Feedback', verification: 'Verification', by: 'By',
  '1': 'Level Ⅰ', '2': 'Level Ⅱ', '3': 'Level Ⅲ', '4': 'Level Ⅳ',
};
