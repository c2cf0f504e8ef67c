<?php
/**
 * A web application with the textbook holes, for captures: run by `php -S` in the victim's name space of the rig only.
 * Databases are real: MariaDB (socket in SW_MYSQL), SQLite (SW_SQLITE), PostgreSQL (socket folder in SW_PGSQL).
 */
error_reporting(E_ALL);
ini_set('display_errors', '1');
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/';
$page = function (string $title, string $body): void {
    header('Content-Type: text/html; charset=utf-8');
    echo "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>$title</title></head><body><h1>$title</h1>$body</body></html>";
};
$table = function (iterable $rows) use ($page): void {
    $body = '<table>';
    foreach ($rows as $row) $body .= '<tr><td>' . implode('</td><td>', array_map(fn ($v) => htmlspecialchars((string) $v), $row)) . '</td></tr>';
    $page('商品', $body . '</table>');
};
$mysql = function (bool $report = true): mysqli {
    mysqli_report(MYSQLI_REPORT_OFF);
    return mysqli_connect(null, 'shop', 'shop', 'shop', 0, getenv('SW_MYSQL'));
};
if (str_starts_with($path, '/waf/')) {
    http_response_code(403);
    $page('访问被拦截', '<p>您的请求存在安全风险，已被拦截。事件编号 8f2a11c0</p>');
    return;
}
switch ($path) {
    case '/':
        $page('首页', '<p>欢迎访问</p><form action="/search"><input name="q"></form><a href="/item?id=1">商品</a>');
        break;
    case '/item': // numeric, errors shown
        $db = $mysql();
        $found = $db->query('SELECT id, name, price FROM items WHERE id=' . ($_REQUEST['id'] ?? '1'));
        $found ? $table($found) : $page('错误', 'You have an error: ' . $db->error);
        break;
    case '/blind': // numeric, only found or not
        $found = $mysql()->query('SELECT id FROM items WHERE id=' . ($_REQUEST['id'] ?? '1'));
        $page('库存', $found && $found->num_rows > 0 ? '<p>有货</p>' : '<p>缺货</p>');
        break;
    case '/pg': // text, PostgreSQL, errors shown, stacked statements
        $db = pg_connect('host=' . getenv('SW_PGSQL') . ' user=shop dbname=shop');
        $found = @pg_query($db, "SELECT id, name FROM items WHERE name='" . ($_REQUEST['name'] ?? '') . "'");
        $found ? $table(pg_fetch_all($found)) : $page('错误', htmlspecialchars('Warning: pg_query(): Query failed: ' . pg_last_error($db)));
        break;
    case '/lite': // text, SQLite, errors shown
        $db = new SQLite3(getenv('SW_SQLITE'));
        $db->enableExceptions(false);
        $found = @$db->query("SELECT id, name FROM items WHERE name LIKE '%" . ($_REQUEST['q'] ?? '') . "%'");
        if (!$found) { $page('错误', 'SQLite3::query(): Unable to prepare statement: ' . htmlspecialchars($db->lastErrorMsg())); break; }
        $rows = [];
        while ($row = $found->fetchArray(SQLITE3_NUM)) $rows[] = $row;
        $table($rows);
        break;
    case '/safe': // prepared statement
        $db = $mysql();
        $s = $db->prepare('SELECT id, name FROM items WHERE name=?');
        $q = $_REQUEST['q'] ?? '';
        $s->bind_param('s', $q);
        $s->execute();
        $page('搜索 ' . htmlspecialchars($q), '<p>共 ' . $s->get_result()->num_rows . ' 条</p>');
        break;
    case '/login':
        if ($_SERVER['REQUEST_METHOD'] !== 'POST') { $page('登录', '<form method="post"><input name="user"><input type="password" name="password"></form>'); break; }
        $found = $mysql()->query("SELECT id FROM users WHERE name='" . $_POST['user'] . "' AND password='" . $_POST['password'] . "'");
        if ($found && $found->num_rows > 0) {
            setcookie('session', bin2hex(random_bytes(16)));
            header('Location: /admin/index', true, 302);
        } else $page('登录', '<p>用户名或密码错误</p>');
        break;
    case '/search': // reflects
        $page('搜索', '<p>没有找到 ' . ($_REQUEST['q'] ?? '') . '</p>');
        break;
    case '/find': // reflects escaped
        $page('搜索', '<p>没有找到 ' . htmlspecialchars($_REQUEST['q'] ?? '') . '</p>');
        break;
    case '/download':
        $file = '/usr/share/doc/' . ($_REQUEST['name'] ?? '');
        if (!is_file($file)) { http_response_code(404); $page('404', '<p>文件不存在</p>'); break; }
        header('Content-Type: application/octet-stream');
        readfile($file);
        break;
    case '/page':
        include $_REQUEST['page'] ?? '/dev/null';
        break;
    case '/ping':
        $page('诊断', '<pre>' . shell_exec('ping -c 1 -W 1 ' . ($_REQUEST['ip'] ?? '') . ' 2>&1') . '</pre>');
        break;
    case '/ping-safe':
        $page('诊断', filter_var($_REQUEST['ip'] ?? '', FILTER_VALIDATE_IP) ? '<pre>1 packets transmitted</pre>' : '<p>地址格式不正确</p>');
        break;
    case '/calc':
        eval('$r = ' . ($_REQUEST['x'] ?? '1') . ';');
        $page('计算', '<p>' . print_r($r, true) . '</p>');
        break;
    case '/xml':
        $d = new DOMDocument();
        @$d->loadXML(file_get_contents('php://input'), LIBXML_NOENT | LIBXML_DTDLOAD);
        header('Content-Type: application/xml');
        echo '<?xml version="1.0"?><reply><name>' . htmlspecialchars($d->getElementsByTagName('name')[0]?->textContent ?? '') . '</name></reply>';
        break;
    case '/xml-safe':
        http_response_code(400);
        $page('400', '<p>DOCTYPE is not allowed</p>');
        break;
    case '/fetch':
        $body = @file_get_contents($_REQUEST['url'] ?? '');
        if ($body === false) { http_response_code(502); $page('502', '<p>fetch failed</p>'); break; }
        header('Content-Type: text/plain');
        echo $body;
        break;
    case '/state': // unserialises a cookie
        class Note { public $file = ''; public function __toString(): string { return (string) @file_get_contents($this->file); } }
        $page('草稿', '<p>' . htmlspecialchars((string) @unserialize($_REQUEST['data'] ?? '')) . '</p>');
        break;
    case '/xpath':
        $d = new DOMDocument();
        $d->loadXML('<users><user><name>admin</name><secret>6f1ed002ab5595859014ebf0951522d9</secret></user></users>');
        $found = @(new DOMXPath($d))->query("//user[name='" . ($_REQUEST['user'] ?? '') . "']/secret");
        $page('用户', $found && $found->length > 0 ? '<p>存在</p>' : '<p>不存在</p>');
        break;
    case '/go':
        header('Location: ' . ($_REQUEST['url'] ?? '/'), true, 302);
        break;
    case '/article/save':
        $page('发布', '<p>发布成功</p>');
        break;
    case '/api/items':
        header('Content-Type: application/json;charset=UTF-8');
        echo json_encode(['code' => 0, 'data' => [['id' => 1, 'name' => '键盘', 'price' => 199]], 'total' => 1], JSON_UNESCAPED_UNICODE);
        break;
    case '/phpinfo.php':
        phpinfo();
        break;
    default:
        http_response_code(404);
        $page('404 Not Found', '<p>页面不存在</p>');
}
