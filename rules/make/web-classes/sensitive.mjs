/** Requests for files and consoles that should not be public: nginx (8081) and stand-ins (8082). */
const at = (folder, found, missing, port = 8081) => [
  { file: `sensitive/${folder}/found.pcap`, port, requests: found.map((p) => [p]) },
  { file: `sensitive/${folder}/missing.pcap`, port: 80, requests: missing.map((p) => [p]) },
];

export default [
  ...at('version-control', ['/.git/config', '/.git/HEAD', '/.svn/entries', '/.hg/requires', '/.DS_Store'], ['/.git/config', '/.svn/wc.db', '/app/.git/index']),
  ...at('environment-file', ['/.env'], ['/.env', '/api/.env.production']),
  ...at('backup-file', ['/www.zip', '/backup.sql', '/index.php.bak', '/config.php~'], ['/wwwroot.rar', '/web.tar.gz', '/10.42.1.10.zip', '/db.sql', '/index.php.swp', '/.index.php.swp', '/config.inc.php.bak']),
  ...at('web-inf', ['/WEB-INF/web.xml', '/web.config'], ['/WEB-INF/classes/application.yml', '/web.config', '/a/%57EB-INF/web.xml']),
  ...at('actuator', ['/actuator', '/actuator/env', '/env', '/heapdump', '/jolokia/list'], ['/actuator/env', '/actuator/heapdump', '/jolokia/list', '/manage/env'], 8082),
  ...at('status-page', ['/server-status', '/swagger-ui.html', '/v2/api-docs', '/druid/index.html'], ['/server-status', '/swagger-ui.html', '/druid/index.html', '/nginx_status', '/v2/api-docs'], 8082),
  ...at('phpinfo', ['/phpinfo.php'], ['/info.php', '/test/phpinfo.php'], 80),
  ...at('private-key', ['/.ssh/id_rsa', '/.aws/credentials'], ['/.ssh/id_rsa', '/.aws/credentials', '/root/.bash_history']),
];
