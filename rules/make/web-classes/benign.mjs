/** Ordinary work: browsers, forms, editors, programs, pollers. Shared misses of the rules; nothing here may alert. */
import { form, raw } from './attacks.mjs';

const e = encodeURIComponent;
const CLIENT = '10.42.3.57';
const quiet = (name, requests, more = {}) => ({ file: `web/benign/${name}.pcap`, client: CLIENT, requests, ...more });
/** Percent-encoded GBK of: 数据库 选择 联合查询 从 表 (a form of an old site). */
const GBK = '%CA%FD%BE%DD%BF%E2+%D1%A1%D4%F1+%C1%AA%BA%CF%B2%E9%D1%AF+%B4%D3+%B1%ED';

const ARTICLE = `<h2>SQL 注入原理与防御</h2><p>攻击者在参数中输入 <code>' or '1'='1</code>，使条件恒为真。联合查询注入的写法是 <code>id=-1 union select 1,user(),version()</code>；
报错注入使用 extractvalue(1,concat(0x7e,version()))，时间盲注使用 sleep(5) 或 waitfor delay '0:0:5'；堆叠注入如 ; drop table users--。</p><pre><code class="language-php">$id = $_GET['id']; eval($_POST['x']);
system('id'); echo \`whoami\`; $(cat /etc/passwd) | grep root; ping 127.0.0.1; ls -la
&lt;script&gt;alert(1)&lt;/script&gt; &lt;?php phpinfo(); ?&gt; \${jndi 查找} {{ 7*7 }}</code></pre><p>读取 ../../../../etc/passwd 属于目录遍历。<a href="http://127.0.0.1:8080/">本机</a></p>`;
const MARKDOWN = '# 部署手册\n\n```bash\nexport HOST=$(hostname); echo `date` && ls -la /etc | grep passwd\ncurl http://localhost:8080/health; id; whoami\n```\n\nUse "SELECT name FROM users WHERE id = 1" and `UNION SELECT` with care; see {{ page.title }} and ${HOME}.\n';
const CODE = { title: '代码片段', language: 'sql', content: "SELECT a.id, a.name FROM t_user a UNION SELECT b.id, b.name FROM t_old b WHERE b.flag = 1 AND b.name LIKE '%x%' ORDER BY 1; INSERT INTO log VALUES (1,'x');" };

export default [
  quiet('editor-articles', [
    form('/article/save', { title: '数据库安全：SQL 注入原理与防御', category: '安全', content: ARTICLE }),
    form('/article/save', { title: 'Deployment notes', format: 'markdown', content: MARKDOWN }),
    ['/article/save', '-F', 'title=安全周报', '-F', `content=${ARTICLE.replaceAll('"', "'")}`],
    raw('/article/save', 'application/json', JSON.stringify({ title: '一次 SQL 注入排查', body: ARTICLE })),
    raw('/article/save', 'application/json', JSON.stringify(CODE)),
    raw('/article/save', 'application/json', JSON.stringify({ id: 3, text: MARKDOWN, tags: ['bash', 'sql'] })),
    form('/article/save', { title: 'PHP 代码示例', content: '<?php echo "hello"; phpinfo(); ?> 上传后访问，系统会执行 system($cmd)' }),
  ]),
  quiet('searches', [
    ...['select the best laptop from the list', 'european union select committee report from 2018', 'union select 是什么', 'how to drop table in mysql', 'sleep 5 hours and feel fine', "what's the difference between union and join", "O'Reilly and Associates", "rock 'n' roll or jazz", 'C++ & C# <tutorial>', 'price > 100 and price < 200', '1=1', 'exec sp', 'ping 127.0.0.1', 'cat and dog; id card', 'a|b|c', '50% off; order by today', 'alert(1) 是什么意思', '<b>bold</b>', '{{title}} vue 模板', '${name} 模板字符串', 'etc passwd 文件作用', '../images/logo.png'].map((v) => [`/find?q=${e(v)}`]),
    ['/find?q=SQL%E6%B3%A8%E5%85%A5+union+select+%E6%95%99%E7%A8%8B&ie=utf-8&rsv_idx=1&tn=baidu'],
    [`/find?q=${GBK}`],
  ]),
  quiet('parameters', [
    ['/api/items?order=desc&sort=price,-id&fields=id,name,price&limit=20&offset=0&group=1&union=0&select=name&from=2019-01-01&where=city'],
    ['/api/items?filter=price%20gt%20100%20and%20price%20lt%20200&$select=id,name&$orderby=price%20desc&$top=10'],
    ['/api/items?id=1,2,3&ids[]=1&ids[]=2&range=1-10&t=1566900000000&callback=jQuery112407_1566900000000&_=1566900000001'],
    ['/api/items?query=' + e('{items(first:5){id name}}')], ['/api/items?q=' + e('name:"a b" AND (type:book OR type:pen) NOT sold')],
    ['/api/items?where=' + e('{"price":{"$gt":100}}')],
    [`/?redirect=${e('https://10.42.1.10/user/center?tab=1&from=' + e('/order/list?status=1'))}`], [`/?url=${e('http://10.42.1.10/img/logo.svg')}&w=100`], [`/?returnUrl=${e('/home/index')}`],
    ['/?file=report-2019.pdf&path=/docs/2019/&page=about&template=default&lang=zh_CN'], ['/?page=news/list&cmd=list&exec=1&ping=1&ip=10.1.1.1'],
    ['/?data=' + e('eyJpZCI6MSwibmFtZSI6ImEifQ==') + '&sign=rO0z8Q&state=O_1'], ['/a;jsessionid=1A2B3C?x=1;y=2'], ["/?name=O'Brien&title=It's+1+and+only"], ['/?q=a%00b%0ac'.replace('%00', '')],
    ['/?time=10:00:00&expr=' + e('(a+b)*c') + '&color=%23fff&css=' + e('width: calc(100% - 2px)')], ['/?email=a.b%2Bc@example.cn&phone=%2B8613800000000'], ['/?jump=' + e('/m/#/pages/index?id=1')],
  ]),
  quiet('forms', [
    form('/login', { user: 'zhangsan', password: 'Zh@ng&2019;id|x' }), form('/login', { user: "o'neil", password: "pa'ss--word#1" }),
    raw('/find', 'application/x-www-form-urlencoded; charset=gbk', `q=${GBK}&name=%D5%C5%C8%FD%27s&addr=%B1%B1%BE%A9%CA%D0%BA%A3%B5%ED%C7%F8%28%D6%D0%B9%D8%B4%E5%29%3B%C2%A5`),
    form('/find', { q: '收货地址：北京市海淀区（中关村）；备注：周六、日 and 节假日 or 晚上送', note: "Don't call; leave at door | thanks & bye" }),
    form('/feedback', { text: '系统报错 You have an error in your SQL syntax; check the manual，怎么办？' }),
    raw('/xml-none', 'application/xml', '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd"><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head></html>'),
    raw('/soap', 'text/xml; charset=utf-8', '<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><m:GetPrice xmlns:m="http://10.42.1.10/prices"><m:Item>Apples &amp; Pears</m:Item></m:GetPrice></soap:Body></soap:Envelope>'),
    raw('/api/save', 'application/json', JSON.stringify({ image: Buffer.alloc(1200, 'PNG\x89data').toString('base64'), formula: '=SUM(A1:A5)', regex: '^[a-z]+$|^\\d+$', html: '<p>hi <b>there</b> <img src="/img/logo.svg"></p>', path: 'C:\\Users\\a\\file.txt' })),
    raw('/api/query', 'application/json', JSON.stringify({ query: 'query($id: ID!) { item(id: $id) { name } }', variables: { id: 1 } })),
    raw('/api/search', 'application/json', JSON.stringify({ query: { bool: { must: [{ range: { price: { gt: 10 } } }] } }, script_fields: {}, sort: ['_score'] })),
    form('/page.aspx', { __VIEWSTATE: '/wEPDwUKLTY0MDk4NTk2Mw9kFgICAw9kFgICAQ8PFgIeBFRleHQFBuW8oOS4iWRkZGT3', __EVENTVALIDATION: '/wEWAgKZ', name: '张三' }),
    ['/article/save', '-F', 'file=@/tmp/sw-notes.txt;type=text/plain', '-F', 'title=O\'Reilly notes'],
    ['/find?q=1', '-H', 'Cookie: _ga=GA1.2.1; cart={"id":1,"n":2}; expr=a%3A1%7Cb%3A2; theme=dark; t=%7B%22a%22%3A1%7D; sid=s:abc.def'],
  ]),
  quiet('pollers', Array.from({ length: 12 }, (_, i) => [['/actuator/health', '/api/login', '/'][i % 3], '-A', i % 2 ? 'Prometheus/2.11.1' : 'Zabbix'])
    .concat([['/actuator/health', '-A', 'curl/7.64.0'], ['/v2/none', '-A', 'python-requests/2.22.0'], ['/none', '-A', 'Go-http-client/1.1'], ['/robots.txt', '-A', 'Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)'], ['/favicon.ico']]), { port: 8082 }),
  quiet('downloads', [['/docs/manual.zip'], ['/dav/readme.txt'], ['/css/site.css'], ['/img/logo.svg'], ['/docs/'], ['/favicon.ico'], ['/docs/old.pdf'], ['/js/vendor~main.js'], ['/.well-known/acme-challenge/x'], ['/apple-touch-icon.png']], { port: 8081 }),
  quiet('documentation', [['/man/id.html'], ['/man/mysql-errors.html'], ['/man/php.html']], { port: 8082 }),
  {
    file: 'web/benign/browser.pcap', client: CLIENT, port: 8081,
    async run(attack) {
      await attack('runuser', '-u', 'nobody', '--', 'env', 'HOME=/tmp', 'timeout', '-s', 'KILL', '40', 'chromium', '--headless', '--no-sandbox', '--disable-gpu', '--disable-component-update', '--disable-background-networking', '--user-data-dir=/tmp/sw-web-chromium', '--virtual-time-budget=3000', '--dump-dom', 'http://10.42.1.10:8081/');
    },
  },
];
