/** Scanners: the real tools, cut to a telling part; tools that can't be had are told apart by their agents, sent by curl. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const WORDS = 'admin login backup test old new img images css js api static upload uploads data db sql config conf include inc lib src tmp temp log logs user users manager console portal system public private files file download downloads doc docs help about contact news article blog forum shop cart order pay search index main home default cgi-bin bin etc var home2 dev stage prod beta alpha v1 v2 v3 assets media fonts'.split(' ');
const tool = (file, command, more = {}) => ({
  file: `scanner/${file}.pcap`,
  ...more,
  async run(attack, work) {
    const words = join(work, 'words.txt');
    writeFileSync(words, `${WORDS.join('\n')}\n`);
    const { code, output } = await attack(...command.map((part) => (part === 'WORDS' ? words : part.replace('WORK', work))));
    process.stdout.write(`${file} ${command[0]} ${code} ${output.slice(-160).replaceAll('\n', ' ')}\n`);
  },
});
const agents = (file, list, path = '/') => ({ file: `scanner/${file}.pcap`, requests: list.map((ua) => [path, '-A', ua]) });
const SQLMAP = ['sqlmap', '--batch', '--flush-session', '--disable-coloring', '--output-dir=WORK/out'];

export default [
  tool('sqlmap/union', [...SQLMAP, '-u', 'http://10.42.1.10/item?id=1', '--technique=U', '--dbms=mysql', '--banner']),
  tool('sqlmap/forged-agent', [...SQLMAP, '-u', 'http://10.42.1.10/blind?id=1', '--technique=B', '--dbms=mysql', '--random-agent', '--current-user']),
  tool('sqlmap/not-injectable', [...SQLMAP, '-u', 'http://10.42.1.10/safe?q=1', '--technique=BEU', '--random-agent']),
  tool('nmap-http/scripts', ['nmap', '-Pn', '-n', '-p80', '--script', 'http-enum,http-title,http-methods,http-headers', '--script-args', 'http-enum.basepath=/x', '10.42.1.10'], { packets: 400 }),
  tool('directory-tool/gobuster', ['gobuster', 'dir', '-q', '-u', 'http://10.42.1.10:8081/', '-w', 'WORDS', '-t', '4'], { port: 8081 }),
  tool('directory-tool/ffuf', ['ffuf', '-s', '-u', 'http://10.42.1.10:8081/FUZZ', '-w', 'WORDS', '-t', '4'], { port: 8081 }),
  tool('directory-tool/wfuzz', ['wfuzz', '-t', '4', '--hc', '404', '-w', 'WORDS', 'http://10.42.1.10:8081/FUZZ'], { port: 8081 }),
  tool('hydra-http/form', ['hydra', '-l', 'admin', '-P', 'WORDS', '-t', '4', '10.42.1.10', 'http-post-form', '/login:user=^USER^&password=^PASS^:密码错误'], { packets: 250 }),
  tool('nikto/run', ['perl', process.env.NIKTO ?? '/usr/bin/nikto', '-h', 'http://10.42.1.10/', '-maxtime', '15s', '-nointeractive', '-Tuning', 'x6'], { packets: 300 }),
  agents('nikto/agent', ['Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:000001)']),
  agents('web-scanner/agents', ['Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)', 'Mozilla/5.0 [en] (X11, U; OpenVAS-VT 9.0.3)', 'WPScan v3.6.3 (https://wpscan.org/)', 'Mozilla/5.0 zgrab/0.x', 'masscan/1.0 (https://github.com/robertdavidgraham/masscan)', 'Arachni/v1.5.1', 'w3af.org', 'Mozilla/5.0 (compatible; Nessus)']),
  { file: 'scanner/web-scanner/probes.pcap', requests: [['/', '-H', 'Acunetix-Aspect: enabled'], ['/acunetix-wvs-test-for-some-inexistent-file'], ['/?q=acu%22onmouseover=prompt(97)'], ['/AppScan_fingerprint/MAC_ADDRESS_01234567890.html'], ['/NessusTest1566900000.html'], ['/x/appscan'], ['/?q=http://abc.burpcollaborator.net/']] },
];

/** Whole runs, too large to keep: for counting the alerts that one run gives. */
export const long = [
  tool('sqlmap/all-mariadb', [...SQLMAP, '-u', 'http://10.42.1.10/item?id=1', '--level=3', '--risk=2', '--random-agent', '--dbs', '--threads=4', '--time-sec=1']),
  tool('sqlmap/all-refused', [...SQLMAP, '-u', 'http://10.42.1.10/safe?q=1', '--level=3', '--risk=2', '--threads=4', '--time-sec=1']),
  tool('sqlmap/all-postgresql', [...SQLMAP, '-u', 'http://10.42.1.10/pg', '--data', 'name=x', '--level=2', '--tamper=space2comment,randomcase', '--banner', '--threads=4', '--time-sec=1', '--random-agent']),
  tool('nikto/all', ['perl', process.env.NIKTO ?? '/usr/bin/nikto', '-h', 'http://10.42.1.10:8081/', '-maxtime', '60s', '-nointeractive'], { port: 8081 }),
  tool('dirb/common', ['dirb', 'http://10.42.1.10:8081/', '/usr/share/dirb/wordlists/common.txt', '-S', '-r'], { port: 8081 }),
];
