/**
 * Makes the captures of rules/web, rules/scanner and rules/sensitive: `node rules/make/web-classes.mjs [part of a file name …]` as
 * root; `--long <folder>` records whole runs of the tools there instead, to count alerts. The victim runs a vulnerable PHP application on MariaDB, PostgreSQL and SQLite (port 80), Jinja2 and pickle (8001),
 * nginx with files and WebDAV (8081), and stand-ins where the product can't be had (8082). Attackers: curl and real tools.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Rig } from './rig.mjs';
import attacks from './web-classes/attacks.mjs';
import benign from './web-classes/benign.mjs';
import tools, { long } from './web-classes/tools.mjs';
import sensitive from './web-classes/sensitive.mjs';
import { answer } from './web-classes/stand-ins.mjs';

const here = fileURLToPath(import.meta.url);
const rules = join(dirname(here), '..');
const BROWSER = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/76.0.3809.132 Safari/537.36';
const VICTIM = '10.42.1.10';
/** Each: `file` below rules/, `port` (80), `client`, and `requests` (lists of a path and curl arguments) or `run(attack)`; `packets` to keep. */
const scenarios = [...attacks, ...sensitive, ...benign, ...tools];

if (process.argv[2] === '--stand-in') createServer(receive).listen(8082, VICTIM);
else if (process.argv[2] === '--long') await record(process.argv.slice(4), process.argv[3], long);
else await record(process.argv.slice(2), rules, scenarios);

function receive(request, response) {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const [status, headers, body] = answer(request, Buffer.concat(chunks).toString('latin1'));
    response.writeHead(status, headers);
    response.end(body);
  });
}

async function record(wanted, folder, list) {
  const rig = new Rig();
  const work = mkdtempSync(join(tmpdir(), 'sw-web-'));
  chmodSync(work, 0o777);
  try {
    rig.open(['203.0.113.66', '10.42.3.57'], [VICTIM]);
    await start(rig, work);
    for (const scenario of list) {
      if (wanted.length > 0 && !wanted.some((w) => scenario.file.includes(w))) continue;
      await rig.capture(join(folder, scenario.file), async () => {
        if (scenario.run) return scenario.run((...args) => rig.attack(...args), work);
        for (const [path, ...args] of scenario.requests) {
          const { code, output } = await rig.attack('curl', '-sS', '-o', '/dev/null', '-m', '12', '-w', '%{http_code}', '--path-as-is', '-g',
            '--interface', scenario.client ?? '203.0.113.66', '-A', BROWSER, ...args, `http://${VICTIM}:${scenario.port ?? 80}${path}`);
          process.stdout.write(`${scenario.file} ${path.slice(0, 60)} ${code === 0 ? output : `curl ${code}: ${output}`}\n`);
        }
      }, `tcp port ${scenario.port ?? 80}`);
      if (scenario.packets) cut(join(folder, scenario.file), scenario.packets);
    }
  } finally {
    await stop(rig);
    rig.close();
    rmSync(work, { recursive: true, force: true, maxRetries: 20, retryDelay: 300 });
  }
}

/** Ends what runs beside the victim: workers of php and nginx outlive their parent. */
async function stop(rig) {
  for (let i = 0; i < 50; i++) {
    const pids = execFileSync('ip', ['netns', 'pids', rig.victimSpace]).toString().split('\n').filter(Boolean);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(Number(pid), i < 30 ? 'SIGTERM' : 'SIGKILL');
      } catch {
        // gone already
      }
    }
    await sleep(200);
  }
}

/** Keeps the first packets of a long run. */
function cut(file, packets) {
  execFileSync('editcap', ['-F', 'pcap', '-r', file, `${file}.cut`, `1-${packets}`]);
  renameSync(`${file}.cut`, file);
}

async function start(rig, work) {
  const data = join(work, 'mysql'), socket = join(work, 'mysql.sock'), pg = join(work, 'pg'), lite = join(work, 'shop.sqlite');
  execFileSync('mariadb-install-db', ['--no-defaults', `--datadir=${data}`, '--user=mysql', '--skip-test-db'], { stdio: 'ignore' });
  rig.victim('mariadbd', '--no-defaults', `--datadir=${data}`, '--user=mysql', `--socket=${socket}`, '--skip-networking', `--pid-file=${data}/pid`, '--innodb-buffer-pool-size=32M');
  const pgBin = execFileSync('sh', ['-c', 'ls -d /usr/lib/postgresql/*/bin | tail -1']).toString().trim();
  mkdirSync(pg);
  execFileSync('chown', ['postgres', pg]);
  execFileSync('runuser', ['-u', 'postgres', '--', join(pgBin, 'initdb'), '-D', join(pg, 'data'), '-A', 'trust'], { stdio: 'ignore' });
  rig.victim('runuser', '-u', 'postgres', '--', join(pgBin, 'postgres'), '-D', join(pg, 'data'), '-k', pg, '-c', 'listen_addresses=');
  const items = "INSERT INTO items VALUES (1,'keyboard',199),(2,'mouse',59),(3,'screen',1299);";
  const users = "CREATE TABLE users (id INT, name VARCHAR(32), password VARCHAR(64)); INSERT INTO users VALUES (1,'admin','6f1ed002ab5595859014ebf0951522d9');";
  const shop = `CREATE TABLE items (id INT, name VARCHAR(32), price INT); ${items} ${users}`;
  await until(() => execFileSync('mariadb', ['--no-defaults', '-S', socket, '-u', 'root', '-e',
    `CREATE DATABASE shop; CREATE USER shop@localhost IDENTIFIED BY 'shop'; GRANT ALL ON shop.* TO shop@localhost; GRANT FILE ON *.* TO shop@localhost; USE shop; ${shop}`], { stdio: 'ignore' }));
  await until(() => execFileSync('psql', ['-h', pg, '-U', 'postgres', '-c', 'CREATE ROLE shop LOGIN', '-c', 'CREATE DATABASE shop OWNER shop'], { stdio: 'ignore' }));
  execFileSync('psql', ['-h', pg, '-U', 'shop', 'shop', '-c', shop], { stdio: 'ignore' });
  execFileSync('sqlite3', [lite, shop]);
  const web = join(dirname(here), 'web-classes');
  rig.victim('env', 'PHP_CLI_SERVER_WORKERS=4', `SW_MYSQL=${socket}`, `SW_PGSQL=${pg}`, `SW_SQLITE=${lite}`, 'php', '-d', 'allow_url_include=1', '-S', `${VICTIM}:80`, join(web, 'app.php'));
  rig.victim('python3', join(web, 'templates.py'));
  rig.victim(process.execPath, here, '--stand-in');
  site(join(work, 'site'));
  writeFileSync(join(work, 'nginx.conf'), `daemon off; pid ${work}/nginx.pid; user root; error_log /dev/null; events {} http { access_log off; include /etc/nginx/mime.types;
    client_body_temp_path ${work}/body; server { listen ${VICTIM}:8081; root ${work}/site; autoindex on; location = /protected { return 403; }
    location /dav/ { dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on; } } }`);
  rig.victim('nginx', '-c', join(work, 'nginx.conf'));
  for (const port of [80, 8001, 8081, 8082]) await until(async () => {
    const { output } = await rig.fromVictim('ss', '-Hltn', `sport = :${port}`);
    if (output.trim() === '') throw new Error(`nothing listens on ${port}`);
  });
}

/** Files that careless administrators leave behind, and an ordinary site. */
function site(root) {
  const files = {
    'index.html': '<!DOCTYPE html><html><head><meta charset="utf-8"><link rel="stylesheet" href="/css/site.css"></head><body><h1>首页</h1><img src="/img/logo.svg"><script src="/js/site.js"></script></body></html>',
    'css/site.css': 'body { font: 14px sans-serif }', 'js/site.js': 'document.title = "首页";', 'img/logo.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>',
    '.git/HEAD': 'ref: refs/heads/master\n', '.git/config': '[core]\n\trepositoryformatversion = 0\n\tbare = false\n[remote "origin"]\n\turl = git@git.example.cn:shop/site.git\n',
    '.svn/entries': '12\n\ndir\n1024\nsvn://svn.example.cn/site\n', '.DS_Store': Buffer.from('0000000142756431000010000000080000001000', 'hex'), '.hg/requires': 'dotencode\nrevlogv1\n',
    '.env': 'APP_ENV=production\nAPP_KEY=base64:Zm9vYmFy\nDB_HOST=127.0.0.1\nDB_PASSWORD=hunter2\n',
    'www.zip': Buffer.concat([Buffer.from('504b0304140000000800', 'hex'), Buffer.alloc(400, 65)]), 'backup.sql': '-- MariaDB dump 10.19\nCREATE TABLE `users` (`id` int);\nINSERT INTO `users` VALUES (1);\n',
    'index.php.bak': "<?php\n$db = mysqli_connect('127.0.0.1', 'root', 'hunter2');\n", 'config.php~': "<?php\ndefine('DB_PASSWORD', 'hunter2');\n",
    'WEB-INF/web.xml': '<?xml version="1.0" encoding="UTF-8"?>\n<web-app version="3.0"><servlet><servlet-name>a</servlet-name></servlet></web-app>\n',
    'web.config': '<?xml version="1.0"?>\n<configuration><connectionStrings><add name="db" connectionString="Server=.;User Id=sa;Password=hunter2"/></connectionStrings></configuration>\n',
    '.aws/credentials': '[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n',
    '.ssh/id_rsa': '-----BEGIN RSA PRIVATE KEY-----\nbm90IGEga2V5\n-----END RSA PRIVATE KEY-----\n', 'docs/manual.zip': Buffer.concat([Buffer.from('504b0304140000000800', 'hex'), Buffer.alloc(300, 66)]), 'dav/readme.txt': 'dav',
  };
  for (const [name, body] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), body);
  }
}

async function until(body) {
  for (let i = 0; ; i++) {
    try {
      return await body();
    } catch (error) {
      if (i === 100) throw error;
      await sleep(100);
    }
  }
}
