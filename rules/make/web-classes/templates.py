"""Renders templates from its query string with Jinja2 and loads pickles from a cookie: for captures, in the victim's name space only."""
import base64
import pickle
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from jinja2 import Template


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def answer(self, query):
        status, body = 200, '欢迎'
        try:
            if 'name' in query:
                body = Template('<p>你好 ' + query['name'][0] + '</p>').render()
            if 'state' in query:
                body = '<p>状态 %s</p>' % (pickle.loads(base64.b64decode(query['state'][0])),)
        except Exception as error:
            status, body = 500, '<pre>%s: %s</pre>' % (type(error).__name__, error)
        data = ('<html><body>%s</body></html>' % body).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'text/html; charset=utf-8')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer(parse_qs(urlsplit(self.path).query))

    def do_POST(self):
        length = int(self.headers.get('Content-Length') or 0)
        self.answer(parse_qs(self.rfile.read(length).decode('latin1')))

    def log_message(self, *_):
        pass


ThreadingHTTPServer(('10.42.1.10', 8001), Handler).serve_forever()
