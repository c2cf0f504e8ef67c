import fc from 'fast-check';
import t from 'tap';
import { parseContent, parseRuleFile } from './syntax.js';

t.test('a rule is taken apart into header and options, with places', (t) => {
  const { rules, problems } = parseRuleFile([
    '# a comment', '',
    'alert http [$HOME_NET,![10.0.0.1,10.0.0.2]] any -> any [80,8000:8100] (msg:"a \\; b: (c)"; content:"x|3b|"; nocase; \\',
    '  sid:1; rev:2;)',
    'alert tcp any any -> any 80 (msg:"never closed"',
    'alert tcp any any to any 80 (sid:3;)',
  ].join('\n'), 'a.rules');
  t.same(rules.map(({ text: _text, options, ...rule }) => ({ ...rule, options: options.map((o) => [o.keyword, o.value]) })), [{
    action: 'alert', protocol: 'http', direction: '->', place: { file: 'a.rules', line: 3, column: 1 },
    source: ['$HOME_NET', '!10.0.0.1', '!10.0.0.2'], sourcePorts: ['any'], destination: ['any'], destinationPorts: ['80', '8000:8100'],
    options: [['msg', '"a \\; b: (c)"'], ['content', '"x|3b|"'], ['nocase', undefined], ['sid', '1'], ['rev', '2']],
  }]);
  t.equal(rules[0]?.text.slice((rules[0].options[1]?.place.column ?? 0) - 1).startsWith('content:'), true);
  t.same(problems.map((p) => [p.place.line, p.why]), [[5, 'options do not stand in parentheses'], [6, "direction is 'to', not -> or <>"]]);
  t.end();
});

t.test('bytes of a content', (t) => {
  const bytes = (v: string) => {
    const c = parseContent(v);
    return typeof c === 'string' ? c : [c.negated, Buffer.from(c.bytes).toString('latin1')];
  };
  t.same(bytes('"a|0d 0A|b"'), [false, 'a\r\nb']);
  t.same(bytes('!"\\"\\;\\\\\\x"'), [true, '";\\\\x']);
  t.equal(bytes('"a|0|"'), 'bytes between bars are not pairs of hexadecimal digits');
  t.equal(bytes('abc'), 'content does not stand in double quotes');
  t.end();
});

t.test('any text is taken apart or refused, never thrown on', (t) => {
  const piece = fc.constantFrom('alert ', 'tcp ', 'any ', '-> ', '[', ']', '!', ',', '(', ')', ';', ':', '"', '\\', '|', '\n', 'sid:1;', '$X ', '#');
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
    parseRuleFile(pieces.join(''), 'x');
    parseContent(pieces.join(''));
    return true;
  }), { numRuns: 1000 });
  t.pass();
  t.end();
});
